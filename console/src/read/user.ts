// A pod's name to the hub's user, as KubeSpawner makes one of the other.

/**
 * KubeSpawner names a pod `jupyter-<user>`. Its older scheme writes what may not stand in a name as `-` and two hex digits for
 * each byte of UTF-8, the newer one leaves a readable slug with a hash behind `---`, which can't be turned back.
 *
 * @returns null for a pod of another kind.
 * @see https://jupyterhub-kubespawner.readthedocs.io/en/latest/templates.html
 */
export function userOfPod(pod: string): string | null {
  const name = /^jupyter-(.+)$/.exec(pod)?.[1];
  if (name === undefined) return null;
  if (!/^(?:[a-z0-9.]|-[0-9a-f]{2})+$/.test(name)) return name;
  const bytes = name.replace(/-([0-9a-f]{2})/g, (_, hex: string) => `%${hex}`);
  try {
    const decoded = decodeURIComponent(bytes);
    // A letter that needs no escape would not have been escaped: it is a slug that looks like one.
    return /-(?:3[0-9]|6[1-9a-f]|7[0-9a])/.test(name) ? name : decoded;
  } catch {
    return name;
  }
}

// Which cluster: the one that the console runs in, or the kubeconfig's.
import { KubeConfig } from "@kubernetes/client-node";
import { SettingError } from "../../errors.js";

export interface Cluster {
  readonly config: KubeConfig;
  readonly namespace: string;
}

/** @throws SettingError */
export function clusterOf(namespace: string | undefined): Cluster {
  const config = new KubeConfig();
  try {
    config.loadFromDefault();
  } catch (error) {
    throw new SettingError(
      `read the kubeconfig: ${(error as Error).message}`,
      "set KUBECONFIG to one that can be read",
    );
  }
  if (config.getCurrentCluster() === null)
    throw new SettingError("no cluster is configured", "set KUBECONFIG, or run in a pod with a service account");
  const own = config.getContextObject(config.getCurrentContext())?.namespace;
  return { config, namespace: namespace ?? own ?? "default" };
}

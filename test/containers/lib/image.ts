// Makes a one-layer image of a static busybox as a docker-archive, which containerd and Docker both load.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "./daemon.js";

/** Write the archive below `directory`. `name` has a tag. In the image are `/bin/busybox` and `/usr/bin/sh`, a link to it. */
export function makeBusyboxArchive(directory: string, name: string, command: readonly string[]): string {
  const work = join(directory, `image-${createHash("sha256").update(name).digest("hex").slice(0, 8)}`);
  mkdirSync(join(work, "root/bin"), { recursive: true });
  const busybox = findProgram("busybox");
  if (busybox === null) throw new Error("make image: no busybox");
  copyFileSync(busybox, join(work, "root/bin/busybox"));
  mkdirSync(join(work, "root/usr/bin"), { recursive: true });
  symlinkSync("/bin/busybox", join(work, "root/usr/bin/sh"));
  const tar = (...args: string[]) => execFileSync("tar", ["--numeric-owner", "--owner=0", "--group=0", ...args]);
  tar("--sort=name", "--mtime=@0", "-C", join(work, "root"), "-cf", join(work, "layer.tar"), ".");
  const layer = createHash("sha256")
    .update(readFileSync(join(work, "layer.tar")))
    .digest("hex");
  const config = {
    architecture: process.arch === "x64" ? "amd64" : process.arch,
    os: "linux",
    created: "1970-01-01T00:00:00Z",
    config: { Env: ["PATH=/bin"], Cmd: command, WorkingDir: "/" },
    rootfs: { type: "layers", diff_ids: [`sha256:${layer}`] },
    history: [{ created: "1970-01-01T00:00:00Z", created_by: name }],
  };
  writeFileSync(join(work, "config.json"), JSON.stringify(config));
  const manifest = [{ Config: "config.json", RepoTags: [name], Layers: ["layer.tar"] }];
  writeFileSync(join(work, "manifest.json"), JSON.stringify(manifest));
  const archive = join(work, "image.tar");
  tar("-C", work, "-cf", archive, "manifest.json", "config.json", "layer.tar");
  return archive;
}

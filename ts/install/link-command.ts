/** Makes `npx udi-native` work inside a clone: npm links the commands of dependencies, not those of the package itself. */
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";

/** Links `node_modules/.bin/udi-native` of the package at `root` to its own command. */
export function linkCommand(root: string): void {
  const command = join(root, "dist", "cli", "start.cjs");
  if (!existsSync(command)) return;
  chmodSync(command, 0o755);
  const links = join(root, "node_modules", ".bin");
  mkdirSync(links, { recursive: true });
  rmSync(join(links, "udi-native"), { force: true });
  symlinkSync(join("..", "..", "dist", "cli", "start.cjs"), join(links, "udi-native"));
}

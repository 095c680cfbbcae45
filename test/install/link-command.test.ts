import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { linkCommand } from "../../ts/install/link-command.js";
import { put, temporaryFolder } from "../native/fake-libtorch.js";

test("the command of a clone can be run from node_modules/.bin, also when it is linked again", () => {
  const root = temporaryFolder();
  put(join(root, "dist", "cli", "start.cjs"), "#!/bin/sh\necho trained\n");
  linkCommand(root);
  linkCommand(root);
  const done = spawnSync(join(root, "node_modules", ".bin", "udi-native"), { encoding: "utf8" });
  expect(done.stdout).toBe("trained\n");
});

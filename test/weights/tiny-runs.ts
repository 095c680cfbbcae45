/** Small runs that are trained for real, for tests of what they leave. */
import { join } from "node:path";
import { loadConfig, train } from "../../ts/index.js";
import { writePhotos, writeTinyConfig } from "../end-to-end/photos.js";

/** Trains two epochs of two steps on 16 pictures of `folder`; returns the run's folder. */
export async function trainTiny(folder: string, name: string, ...set: readonly string[]): Promise<string> {
  const data = join(folder, "photos");
  await writePhotos(data, 16);
  const short = ["training.epochs=2", "checkpoint.keepLast=9"];
  const config = loadConfig({
    file: writeTinyConfig(folder),
    data,
    out: join(folder, name),
    set: [...short, ...set],
  });
  return (await train(config)).folder;
}

import { join } from "node:path";
import { expect, test } from "vitest";
import { openImageSource } from "../../ts/dataset/image-source.js";
import { matchClasses } from "../../ts/evaluate/knn.js";
import { put, temporaryFolder } from "../native/fake-libtorch.js";

async function sourceOf(classes: readonly string[]) {
  const root = temporaryFolder();
  for (const name of classes) put(join(root, name, "1.png"));
  return openImageSource(root, "class-folders");
}

test("held-out classes are matched by name, though some are missing there", async () => {
  const train = await sourceOf(["bee", "cat", "dog", "eel"]);
  expect(matchClasses(train, await sourceOf(["cat", "eel"]))).toEqual([1, 3]);
});

test("a held-out class that was never seen is one error that names it", async () => {
  const matching = async () => matchClasses(await sourceOf(["bee", "cat"]), await sourceOf(["bee", "dog"]));
  await expect(matching()).rejects.toThrow(/class "dog" of/);
});

test("folders without classes cannot be judged", async () => {
  const labelled = await sourceOf(["bee", "cat"]);
  const flat = await openImageSource(labelled.root, "flat-folder");
  expect(() => matchClasses(flat, labelled)).toThrow(/needs labels/);
  expect(() => matchClasses(labelled, flat)).toThrow(/needs labels/);
});

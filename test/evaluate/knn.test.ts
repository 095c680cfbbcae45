import { join } from "node:path";
import { expect, test } from "vitest";
import { openImageSource } from "../../ts/dataset/image-source.js";
import { openLabelledImages } from "../../ts/dataset/labelled-images.js";
import { matchClasses } from "../../ts/evaluate/knn.js";
import { folderOf } from "../dataset/samples.js";
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

test("each image needs a label where labels are asked for", async () => {
  const root = folderOf("a.jpg", "b.jpg", { "list.csv": "a.jpg,bee\nb.jpg,\n" });
  const partly = await openLabelledImages(join(root, "list.csv"));
  expect(partly.classes).toEqual(["bee"]);
  expect(() => matchClasses(partly, partly)).toThrow(/needs a label for each image, but .*b\.jpg has none/);
});

test("a folder is read as class folders where labels are asked for, even with one class or images beside it", async () => {
  const root = folderOf("bee/1.jpg", "0.jpg");
  expect((await openLabelledImages(root)).classes).toEqual(["bee"]);
});

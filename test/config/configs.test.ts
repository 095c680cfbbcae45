import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isMap, parseDocument, type YAMLMap } from "yaml";
import { builtInFile, builtInNames, configsFolder } from "../../ts/config/built-in.js";
import { editorSchema, keyComments } from "../../ts/config/editor-schema.js";
import { loadConfig } from "../../ts/config/load.js";
import { REFERENCE_ARGUMENTS } from "../../ts/config/reference-arguments.js";
import { knownKeys } from "../../ts/config/schema.js";

const defaults = readFileSync(builtInFile("defaults"), "utf8");

test("defaults.yaml holds every key in the order of the schema, each with a comment of its own", () => {
  const { contents } = parseDocument(defaults);
  const comments = isMap(contents) ? commentsOf(contents) : [];
  expect(comments.map(([key]) => key)).toEqual(knownKeys());
  expect(comments[0]?.[1]).toMatch(/^Seed of every random choice/);
  expect(comments.filter(([, comment]) => !/^\S.{10,}[.\]]$/.test(comment))).toEqual([]);
});

test("every argument of the reference's script has a key, and its name stands in that key's comment", () => {
  const { contents } = parseDocument(defaults);
  const comments = new Map(isMap(contents) ? commentsOf(contents) : []);
  for (const [argument, key] of Object.entries(REFERENCE_ARGUMENTS)) {
    expect(comments.get(key), key).toContain(`[--${argument}]`);
  }
  const named = [...defaults.matchAll(/\[--(\w+)\]/g)]
    .map(([, name]) => name)
    .filter((name) => name !== "name");
  expect(named.sort()).toEqual(Object.keys(REFERENCE_ARGUMENTS).sort());
});

test("the published runs have the published numbers, and the defaults are theirs", () => {
  for (const epochs of [100, 300]) {
    const file = `pretrain/vit-small-16-${epochs}ep`;
    const published = loadConfig({ file, data: "imagenet" });
    expect(published).toEqual({
      ...loadConfig({ file: "defaults", data: "imagenet" }),
      output: `runs/vit-small-16-${epochs}ep`,
      precision: "fp16",
      data: { ...published.data, kind: "class-folders" },
      training: { epochs, batchSize: 128 },
    });
    const head = readFileSync(builtInFile(file), "utf8");
    expect(head).toContain(`npx udi-native train ${file} --data`);
    expect(head).toMatch(/Seen here: +not run/);
  }
});

test("config.schema.json is the schema of the code (npx vitest run test/config --update writes it)", async () => {
  const text = `${JSON.stringify(editorSchema(), null, 2)}\n`;
  await expect(text).toMatchFileSnapshot(join(configsFolder, "config.schema.json"));
});

test("every built-in configuration names the schema for editors", () => {
  for (const name of builtInNames()) {
    const up = name.includes("/") ? "../" : "./";
    const [first] = readFileSync(builtInFile(name), "utf8").split("\n");
    expect(first, name).toBe(`# yaml-language-server: $schema=${up}config.schema.json`);
  }
});

function commentsOf(map: YAMLMap, prefix = ""): [key: string, comment: string][] {
  return [...keyComments(map)].flatMap(([key, comment]) => {
    const value = map.get(key, true);
    const inner = isMap(value) ? commentsOf(value, `${prefix}${key}.`) : [];
    return [[`${prefix}${key}`, comment], ...inner] as [string, string][];
  });
}

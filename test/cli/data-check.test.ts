import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { expect, test } from "vitest";
import { checkText } from "../../ts/cli/data-check-text.js";
import type { CheckReport } from "../../ts/survey/report.js";
import { udiNative } from "../end-to-end/command.js";
import { temporaryFolder } from "../native/fake-libtorch.js";

async function folder(...damaged: string[]): Promise<string> {
  const root = temporaryFolder();
  const image = sharp({ create: { width: 300, height: 20, channels: 3, background: "red" } });
  await image.jpeg().toFile(join(root, "a.jpg"));
  await image.png().toFile(join(root, "b.png"));
  for (const name of damaged) writeFileSync(join(root, name), `no image: ${name}`);
  return root;
}

test("where every image is usable data check says what is there and exits 0", async () => {
  const { status, stdout } = await udiNative("data", "check", await folder());
  expect(status).toBe(0);
  expect(stdout).toMatch(/^images +2: 2 usable, 0 not$/m);
  expect(stdout).toMatch(/^width +300 \/ 300 \/ 300 pixels/m);
  expect(stdout).toMatch(/^small .*2 below 224, 2 below 96/m);
  expect(stdout).toMatch(/^formats +jpeg 1, png 1$/m);
  expect(stdout).toMatch(/^duplicates +none$/m);
});

test("unusable images are told with their reasons, listed in a file, and the exit status is 1", async () => {
  const [root, list] = [await folder("bad.jpg", "worse.png"), join(temporaryFolder(), "bad.tsv")];
  const { status, stdout, stderr } = await udiNative("data", "check", root, "--json", "--bad-list", list);
  expect(status).toBe(1);
  expect(stderr).toBe("");
  const report = JSON.parse(stdout) as CheckReport;
  expect(report).toMatchObject({ path: root, images: 4, usable: 2 });
  expect(report.bad.map(({ file }) => file)).toEqual([join(root, "bad.jpg"), join(root, "worse.png")]);
  expect(readFileSync(list, "utf8")).toBe(
    report.bad.map(({ file, reason }) => `${file}\t${reason}\n`).join(""),
  );
});

test.each([
  [["/nowhere"], /\/nowhere.*does not exist/],
  [["/tmp", "--kind", "folders"], /Allowed choices are auto, class-folders/],
  [["/tmp", "--workers", "0"], /expected a whole number of at least 1/],
])("%j is a wrong use and exits 2", async (args, message) => {
  const { status, stderr } = await udiNative("data", "check", ...args);
  expect(stderr).toMatch(message);
  expect(status).toBe(2);
});

const report: CheckReport = {
  path: "/data",
  kind: "class-folders",
  images: 30,
  usable: 5,
  bytes: 1_250_000,
  seconds: 2,
  classes: {
    count: 2,
    smallest: { name: "cat", images: 3 },
    largest: { name: "dog", images: 27 },
    unlabelled: 0,
  },
  sizes: null,
  formats: {},
  colours: {},
  bad: Array.from({ length: 25 }, (_, at) => ({ file: `/data/${at}.jpg`, reason: "empty" })),
  duplicates: [
    {
      files: ["/data/cat/a.jpg", "/data/dog/a.jpg", "/data/dog/b.jpg", "/data/dog/c.jpg"],
      acrossClasses: true,
    },
    { files: ["/data/cat/c.jpg", "/data/cat/d.jpg"], acrossClasses: false },
  ],
};

test("what was told while the data were opened stands in the JSON too", async () => {
  const root = await folder();
  const list = join(root, "list.txt");
  writeFileSync(list, "a.jpg\ngone.jpg\n");
  const { status, stdout, stderr } = await udiNative("data", "check", list, "--json");
  expect(status).toBe(1);
  const { kind, remarks } = JSON.parse(stdout);
  expect(kind).toBe("list");
  expect(remarks).toHaveLength(1);
  expect(stderr).toContain(remarks[0]);
});

test("long lists are cut for a reader, and duplicates across classes are marked", () => {
  const text = checkText(report);
  expect(text).toMatch(/^classes +2: smallest cat \(3\), largest dog \(27\)$/m);
  expect(text).toMatch(/^read +1\.3 MB in 2\.0 s, 15 images\/s$/m);
  expect(text.match(/jpg: empty/g)).toHaveLength(20);
  expect(text).toMatch(/and 5 more/);
  expect(text).toMatch(
    /^duplicates +4 files too many, in 2 groups of the same content, 1 group across classes$/m,
  );
  expect(text).toContain("  cat/a.jpg = dog/a.jpg = dog/b.jpg and 1 more  across classes\n");
  expect(text).toMatch(/^ {2}cat\/c\.jpg = cat\/d\.jpg$/m);
});

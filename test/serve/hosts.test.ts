import { hostname } from "node:os";
import { expect, test } from "vitest";
import { addressOf, isLoopback, isOurs } from "../../ts/serve/hosts.js";

test.each(["localhost", "127.0.0.1", "127.8.9.10", "::1", "[::1]", "LOCALHOST", "run.localhost"])(
  "%s is reached from this machine alone",
  (host) => expect(isLoopback(host)).toBe(true),
);

test.each(["0.0.0.0", "::", "10.0.0.7", "example.org", "127.0.0.1.example.org", "localhost.example.org"])(
  "%s may be reached from others",
  (host) => expect(isLoopback(host)).toBe(false),
);

test.each(["localhost", "localhost:6106", "127.0.0.1:1", "[::1]:6106", "LocalHost:80"])(
  "a request for %s is ours",
  (header) => expect(isOurs(header, "127.0.0.1")).toBe(true),
);

test.each([
  undefined,
  "",
  "example.org",
  "example.org:6106",
  "127.0.0.1.example.org",
  "localhost@example.org",
  "example.org/localhost",
  "10.0.0.7",
  "a b",
])("a request for %s is not", (header) => expect(isOurs(header, "127.0.0.1")).toBe(false));

test("a name that was given is ours, and so is every address where all are listened to", () => {
  expect(isOurs("gpu-machine:6106", "gpu-machine")).toBe(true);
  expect(isOurs("other:6106", "gpu-machine")).toBe(false);
  for (const wildcard of ["0.0.0.0", "::"]) {
    expect(isOurs("10.0.0.7:6106", wildcard)).toBe(true);
    expect(isOurs("[fe80::1]:6106", wildcard)).toBe(true);
    expect(isOurs(`${hostname()}:6106`, wildcard)).toBe(true);
    expect(isOurs("example.org:6106", wildcard)).toBe(false);
  }
});

test("an address can be opened on this machine", () => {
  expect(addressOf("127.0.0.1", 6106)).toBe("http://127.0.0.1:6106/");
  expect(addressOf("::1", 80)).toBe("http://[::1]:80/");
  expect(addressOf("0.0.0.0", 80)).toBe("http://127.0.0.1:80/");
});

#!/usr/bin/env node
/**
 * Where `udi-native` begins. libuv reads files on four threads unless it is told otherwise before it starts the first of
 * them, and loading a module that is no CommonJS starts them: four reads at once are too few for a network disk.
 */
process.env.UV_THREADPOOL_SIZE ??= "32";

import("./main.js");

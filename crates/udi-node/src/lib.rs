//! The N-API surface of udi-native: converts, delegates, maps errors.
//!
//! | file | holds |
//! | --- | --- |
//! | `shapes` | what crosses the seam, as JavaScript sees it |
//! | `convert`, `convert_augmentation` | shapes to the types of `udi` and `udi_views`, and back |
//! | `batch` | a batch copied out of JavaScript's memory |
//! | `weights`, `export` | files of weights; backbones for other libraries |
//! | `average` | means of checkpoints; whether their values are finite |
//! | `sheet` | memory of views, lent out view by view |
//! | `held` | native memory behind a handle of JavaScript |
//! | `view_threads` | the threads that decode and render |
//! | `native_image`, `jpeg_file` | decoded images |
//! | `unfinished_batch`, `unfinished_recipes`, `view_batch`, `view_pixels` | views while they are rendered, and then |
//! | `view_filling`, `evaluation_views`, `engine`, `vote`, `components`, `machine` | the calls |
//! | `crop_views`, `augmented_views`, `probe` | training views and classifiers of the linear probe |
//! | `encoder` | a frozen backbone: features, tokens, attention |
//! | `inspection` | what an engine's networks were shown, from one call to the next |
//! | `thread` | the native thread that owns a learner or an encoder |
//! | `state_writer` | saves beside the steps |
//! | `step_line` | steps begun before those in front of them are read |
//! | `file_lock` | keeps two processes out of one run |
//! | `reply` | promises settled from another thread |
//! | `failure`, `guard` | errors and panics to JavaScript errors |
//!
//! The TypeScript wrapper (`ts/native`) is the only caller. It hands over plain objects that it made
//! itself, so no code of the user (a getter, a proxy) runs while arguments are converted and typed
//! arrays are copied. No call keeps a pointer into JavaScript's memory beyond its own return: an array
//! that is detached, resized or written to while a promise is pending changes nothing.

#![deny(unsafe_code)]
#![warn(missing_docs)]
// napi registers nothing in a unit test, where its functions and shapes are therefore not used.
#![cfg_attr(test, allow(dead_code))]

mod augmented_views;
mod average;
mod batch;
mod components;
mod convert;
mod convert_augmentation;
mod crop_views;
mod encoder;
mod engine;
mod evaluation_views;
mod export;
mod failure;
mod file_lock;
mod guard;
mod held;
mod inspection;
mod jpeg_file;
mod machine;
mod native_image;
mod probe;
mod reply;
mod shapes;
mod sheet;
mod state_writer;
mod step_line;
mod thread;
mod unfinished_batch;
mod unfinished_recipes;
mod view_batch;
mod view_filling;
mod view_pixels;
mod view_threads;
mod vote;
mod weights;

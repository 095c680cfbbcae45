//! Link settings of the addon (crates/udi-node).

fn main() {
    napi_build::setup();
}

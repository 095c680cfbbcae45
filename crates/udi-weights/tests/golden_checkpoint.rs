//! The public checkpoints of the golden values, which are too large to come with the project: read where
//! `UDI_GOLDEN_DIR` has them. `foreign_checkpoints.rs` does the same with small files of the same layouts.

mod held;

use std::{env, path::PathBuf};

use held::{Held, values};
use udi_weights::{Branch, Checkpoint, Naming, OptimizerKind, StateRequest};

fn folder() -> Option<PathBuf> {
    let folder = PathBuf::from(env::var_os("UDI_GOLDEN_DIR")?).join("checkpoint");
    folder.is_dir().then_some(folder)
}

#[test]
fn the_public_layouts_give_the_tensors_of_the_reference() {
    let Some(folder) = folder() else {
        println!("left out: UDI_GOLDEN_DIR names no folder with public checkpoints");
        return;
    };
    let checkpoint = Checkpoint::open(&folder.join("public_layout.pth")).unwrap();
    assert_eq!(checkpoint.naming(), Naming::Udi);
    assert_eq!(checkpoint.epoch(), Some(5));
    assert_eq!(checkpoint.optimizer(), Some(OptimizerKind::AdamW));
    let expected = Held::read(&folder.join("expected.safetensors"));
    assert!(expected.compare_networks(&checkpoint) > 60);

    let out = tempfile::tempdir().unwrap();
    let state = out.path().join("state.safetensors");
    let request = StateRequest {
        optimizer: OptimizerKind::AdamW,
        norms_frozen: false,
        steps: 1,
    };
    checkpoint.write_state(request, &state).unwrap();
    assert_eq!(
        Held::read(&state).floats("centers"),
        expected.floats("center")
    );

    let backbone = Checkpoint::open(&folder.join("backbone_only.pth")).unwrap();
    for name in expected.names_below("teacher.backbone.backbone.") {
        let ours = format!("backbone.backbone.{name}");
        let wanted = expected.floats(&format!("teacher.{ours}"));
        assert_eq!(values(&backbone, Branch::Backbone, &ours), wanted, "{name}");
    }
}

//! Checkpoints of other programs, made by `test/weights/fixtures/make_fixtures.py` with real torch.

mod held;

use held::{Held, fixture};
use udi_weights::{Branch, Checkpoint, Format, Naming, OptimizerKind, StateRequest, TorchFormat};

fn opened(name: &str) -> Checkpoint {
    Checkpoint::open(&fixture(name)).unwrap()
}

fn request(norms_frozen: bool) -> StateRequest {
    StateRequest {
        optimizer: OptimizerKind::AdamW,
        norms_frozen,
        steps: 2,
    }
}

/// Writes the state and holds it to what the fixture's maker wrote down.
fn require_state(checkpoint: &Checkpoint, expected: &Held, norms_frozen: bool) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.safetensors");
    let written = checkpoint
        .write_state(request(norms_frozen), &file)
        .unwrap();
    assert_eq!(written.bytes, std::fs::metadata(&file).unwrap().len());
    let state = Held::read(&file);
    let same = |name: &String| name.starts_with("optimizer.") || name == "centers";
    for name in expected.names().iter().filter(|name| same(name)) {
        assert_eq!(state.floats(name), expected.floats(name), "{name}");
    }
    let parameters = checkpoint.shape().parameters();
    let updates = state.integers("optimizer.steps");
    assert_eq!(updates.len(), parameters.len());
    for (parameter, updates) in parameters.iter().zip(updates) {
        let name = format!("updates.{}", parameter.name);
        let counted = expected.names().contains(&name);
        let wanted = if counted {
            expected.floats(&name)[0] as i64
        } else {
            0
        };
        assert_eq!(updates, wanted, "{name}");
    }
    assert_eq!(state.integers("steps"), [2]);
    let again = Checkpoint::open(&file).unwrap();
    assert_eq!(again.naming(), Naming::Native);
    assert_eq!(again.shape(), checkpoint.shape());
    assert_eq!(
        (again.steps(), again.optimizer()),
        (Some(2), checkpoint.optimizer())
    );
    assert!(expected.compare_networks(&again) > 0);
}

#[test]
fn a_public_training_checkpoint_is_read_in_both_forms_of_torch() {
    let expected = Held::read(&fixture("public.expected.safetensors"));
    for (name, form) in [
        ("public.pth", TorchFormat::Zip),
        ("public_legacy.pth", TorchFormat::Legacy),
    ] {
        let checkpoint = opened(name);
        assert_eq!(checkpoint.format(), Format::Torch(form));
        assert_eq!(checkpoint.naming(), Naming::Udi);
        assert_eq!(checkpoint.branches(), [Branch::Student, Branch::Teacher]);
        assert_eq!((checkpoint.epoch(), checkpoint.steps()), (Some(7), Some(2)));
        assert_eq!(checkpoint.norms_frozen(), Some(false));
        let arguments = checkpoint.arguments().unwrap();
        assert_eq!(arguments["arch"], "vit_tiny");
        assert_eq!(arguments["momentum_teacher"], 0.99, "a numpy scalar");
        assert_eq!(arguments["epochs"], 9, "a numpy scalar");
        assert_eq!(arguments["global_crops_scale"][0], 0.3);
        assert!(expected.compare_networks(&checkpoint) > 50);
        require_state(&checkpoint, &expected, false);
    }
}

#[test]
fn new_names_of_weight_normalisation_and_frozen_norms_are_understood() {
    let expected = Held::read(&fixture("parametrized.expected.safetensors"));
    let checkpoint = opened("parametrized.pth");
    assert_eq!(checkpoint.norms_frozen(), Some(true));
    assert!(expected.compare_networks(&checkpoint) > 50);
    require_state(&checkpoint, &expected, true);
}

#[test]
fn a_training_checkpoint_of_dino_is_a_model_without_patch_level() {
    let expected = Held::read(&fixture("dino.expected.safetensors"));
    let checkpoint = opened("dino.pth");
    assert_eq!(checkpoint.naming(), Naming::Dino);
    let shape = checkpoint.shape();
    assert_eq!((shape.backbone.class_tokens, shape.sampling), (1, false));
    assert!(expected.compare_networks(&checkpoint) > 30);
    require_state(&checkpoint, &expected, false);
}

#[test]
fn shared_storages_other_numbers_and_other_orders_give_their_values() {
    let expected = Held::read(&fixture("storages.expected.safetensors"));
    for name in ["storages.pth", "storages_legacy.pth"] {
        let checkpoint = opened(name);
        assert_eq!(checkpoint.naming(), Naming::Udi);
        assert_eq!(checkpoint.branches(), [Branch::Backbone]);
        assert!(expected.compare_networks(&checkpoint) > 15);
    }
}

#[test]
fn a_model_of_timm_is_the_same_under_our_names() {
    let expected = Held::read(&fixture("timm.expected.safetensors"));
    let checkpoint = opened("timm.safetensors");
    assert_eq!(checkpoint.naming(), Naming::Timm);
    assert_eq!(checkpoint.shape().backbone.class_tokens, 2);
    assert!(expected.compare_networks(&checkpoint) > 15);
    let remarks = checkpoint.remarks().join("\n");
    for told in [
        "layer scales",
        "positions are for patches alone",
        "no bias",
        "head.weight",
    ] {
        assert!(remarks.contains(told), "{told} in {remarks}");
    }
}

#[test]
fn a_backbone_that_was_written_is_read_again_with_its_heads() {
    let expected = Held::read(&fixture("timm.expected.safetensors"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backbone.safetensors");
    opened("timm.safetensors")
        .write_backbone(Branch::Backbone, 3, &file)
        .unwrap();
    let again = Checkpoint::open(&file).unwrap();
    assert_eq!(again.heads(), Some(3));
    assert!(again.remarks().is_empty());
    assert!(expected.compare_networks(&again) > 15);
}

#[test]
fn norms_and_counts_are_those_of_the_values() {
    let checkpoint = opened("public.pth");
    let measured = checkpoint.measure(Branch::Teacher).unwrap();
    let names: Vec<_> = measured.iter().map(|part| part.part.name()).collect();
    assert_eq!(names, ["backbone", "sampling", "head"]);
    let head = measured.last().unwrap();
    let parameters = checkpoint.shape().parameters();
    let of_head = parameters
        .iter()
        .filter(|parameter| parameter.name.starts_with("head."));
    let values: Vec<f32> = of_head
        .flat_map(|parameter| checkpoint.values(Branch::Teacher, &parameter.name).unwrap())
        .collect();
    assert_eq!(head.count, values.len() as u64);
    let squares: f64 = values.iter().map(|&value| f64::from(value).powi(2)).sum();
    assert!((head.norm - squares.sqrt()).abs() < 1e-9);
    assert_eq!((head.nan, head.infinite), (0, 0));
}

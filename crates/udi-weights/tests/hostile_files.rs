//! Damaged and hostile files: one clear error each, nothing run, no memory taken for sizes that are only claimed.

mod held;

use std::{alloc::System, fs};

use cap::Cap;
use held::{
    archive::{legacy_of, members_of, zip_of},
    fixture,
};
use udi_weights::{Branch, Checkpoint};

/// No file of these tests may take more: an allocation beyond it fails, and with it the test.
#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, 512 << 20);

fn refused(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.pth");
    fs::write(&path, bytes).unwrap();
    Checkpoint::open(&path).unwrap_err().to_string()
}

/// Both forms of a torch file around a pickle.
fn refused_pickle(pickle: &[u8], told: &str) {
    for file in [legacy_of(pickle), zip_of(&[("a/data.pkl", pickle)])] {
        let message = refused(&file);
        assert!(message.contains(told), "{told} in {message}");
    }
}

fn global(module: &str, name: &str) -> Vec<u8> {
    format!("c{module}\n{name}\n").into_bytes()
}

fn concat(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

#[test]
fn a_name_outside_the_list_is_named_and_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let command = format!("touch {}", trace.display());
    let calls = [
        ("posix", "system"),
        ("os", "system"),
        ("builtins", "eval"),
        ("builtins", "exec"),
    ];
    for (module, name) in calls {
        let argument = concat(&[
            b"X",
            &(command.len() as u32).to_le_bytes(),
            command.as_bytes(),
        ]);
        let pickle = concat(&[b"\x80\x02", &global(module, name), &argument, b"\x85R."]);
        refused_pickle(&pickle, &format!("{module}.{name}, which is not run"));
    }
    assert!(!trace.exists());
    // The same by the operations of protocol 4, and by an object of such a class.
    let stacked = b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02ls\x85R.";
    refused_pickle(stacked, "os.system, which is not run");
    let object = concat(&[b"\x80\x02", &global("subprocess", "Popen"), b")\x81."]);
    refused_pickle(&object, "subprocess.Popen, which is not run");
    let instance = b"(S'ls'\nios\nsystem\n.";
    refused_pickle(&concat(&[b"\x80\x02", instance]), "operation 0x69");
}

#[test]
fn ever_doubling_values_take_neither_time_nor_memory() {
    // Each list holds the one before twice: 2 to the power of 100 000 leaves.
    let mut pickle = b"\x80\x02]q\x00".to_vec();
    for _ in 0..100_000 {
        pickle.extend(b"0](h\x00h\x00eq\x00");
    }
    pickle.push(b'.');
    refused_pickle(&pickle, "no cls_token");
    // The same as the arguments of a run.
    let mut pickle =
        b"\x80\x02}q\x01X\x07\x00\x00\x00student}sh\x01X\x04\x00\x00\x00args]q\x00".to_vec();
    for _ in 0..50 {
        pickle.extend(b"0](h\x00h\x00h\x00h\x00eq\x00");
    }
    pickle.extend(b"s.");
    refused_pickle(&pickle, "no cls_token");
}

#[test]
fn copies_of_a_long_list_are_bounded() {
    // A list of 100 000 values, made a dictionary's pairs, a tuple, over and over.
    let mut pickle = b"\x80\x02](".to_vec();
    pickle.extend([b'N'].repeat(100_000));
    pickle.extend(b"eq\x000");
    for _ in 0..10_000 {
        pickle.extend(b"c__builtin__\ntuple\nh\x00\x85R0");
    }
    pickle.extend(b"N.");
    refused_pickle(&pickle, "few copies");
}

#[test]
fn depth_costs_nothing() {
    let mut pickle = b"\x80\x02N".to_vec();
    pickle.extend([0x85].repeat(900_000));
    pickle.push(b'.');
    refused_pickle(&pickle, "no cls_token");
    // A dictionary that holds itself.
    refused_pickle(
        b"\x80\x02}q\x00X\x05\x00\x00\x00modelh\x00s.",
        "no cls_token",
    );
}

#[test]
fn an_endless_pickle_ends() {
    let mut pickle = b"\x80\x02".to_vec();
    pickle.extend(b"N0".repeat(1_000_000));
    refused_pickle(&pickle, "operations");
}

#[test]
fn lengths_beyond_the_file_are_refused_before_memory_is_taken() {
    refused_pickle(b"\x80\x02X\xff\xff\xff\xff", "more bytes");
    refused_pickle(
        b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7f",
        "more bytes",
    );
    refused_pickle(b"\x80\x02\x8b\xff\xff\xff\x7f", "15 bytes");
}

/// A model whose class token has this shape, these strides and this offset in a storage of 8 values.
fn with_tensor(offset: &str, shape: &str, strides: &str) -> Vec<u8> {
    let pickle = format!(
        "(dS'cls_token'\nctorch._utils\n_rebuild_tensor_v2\n((S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI8\ntQ{offset}({shape}t({strides}tI00\n(dtRs."
    );
    zip_of(&[("a/data.pkl", pickle.as_bytes()), ("a/data/0", &[0; 32])])
}

#[test]
fn a_tensor_outside_its_storage_is_refused() {
    let whole = "I1\nI2\nI4\n";
    let dense = "I8\nI4\nI1\n";
    assert!(
        refused(&with_tensor("I0\n", whole, dense)).contains("pos_embed"),
        "it is well"
    );
    let huge = "I1\nI4611686018427387904\nI4611686018427387904\n";
    let cases = [
        ("I1\n", whole, dense, "within its storage of 8 values"),
        (
            "I0\n",
            "I1\nI3\nI4\n",
            dense,
            "within its storage of 8 values",
        ),
        (
            "I0\n",
            whole,
            "I8\nI4\nI2\n",
            "within its storage of 8 values",
        ),
        ("I0\n", huge, dense, "within its storage of 8 values"),
        (
            "I0\n",
            huge,
            "I0\nI0\nI0\n",
            "within its storage of 8 values",
        ),
        (
            "I0\n",
            "I1\nI100000\nI100000\n",
            "I0\nI0\nI0\n",
            "found 10000000000 values",
        ),
        ("I0\n", whole, "I4\nI1\n", "3 strides"),
        ("I-1\n", whole, dense, "offset, shape and strides"),
        ("I0\n", "I1\nI-2\nI4\n", dense, "offset, shape and strides"),
        (
            "I18446744073709551615\n",
            whole,
            dense,
            "within its storage",
        ),
    ];
    for (offset, shape, strides, told) in cases {
        let message = refused(&with_tensor(offset, shape, strides));
        assert!(message.contains(told), "{told} in {message}");
    }
}

#[test]
fn an_archive_that_is_none_of_torch_is_refused() {
    let pickle = b"\x80\x02}.";
    let cases: [(Vec<u8>, &str); 5] = [
        (zip_of(&[("a/other", b"x")]), "data.pkl"),
        (
            zip_of(&[("a/data.pkl", pickle), ("a/../../../etc/passwd", b"x")]),
            "names within it",
        ),
        (
            zip_of(&[("a/data.pkl", pickle), ("/etc/passwd", b"x")]),
            "names within it",
        ),
        (
            zip_of(&[("a/data.pkl", pickle), ("a/byteorder", b"big")]),
            "little",
        ),
        (zip_of(&[("a/data.pkl", pickle)]), "no cls_token"),
    ];
    for (file, told) in cases {
        let message = refused(&file);
        assert!(message.contains(told), "{told} in {message}");
    }
}

/// Places of a signature in a file.
fn places(file: &[u8], signature: &[u8]) -> Vec<usize> {
    let windows = file.windows(signature.len()).enumerate();
    windows
        .filter(|(_, window)| *window == signature)
        .map(|(place, _)| place)
        .collect()
}

#[test]
fn members_that_overlap_or_are_compressed_are_refused() {
    let file = zip_of(&[
        ("a/data.pkl", b"\x80\x02}."),
        ("a/data/0", &[0; 64]),
        ("a/data/1", &[0; 64]),
    ]);
    let entries = places(&file, b"PK\x01\x02");
    let mut compressed = file.clone();
    compressed[entries[1] + 10] = 8;
    assert!(refused(&compressed).contains("archive") || refused(&compressed).contains("stored"));
    let mut overlapping = file.clone();
    let place: [u8; 4] = file[entries[1] + 42..entries[1] + 46].try_into().unwrap();
    overlapping[entries[2] + 42..entries[2] + 46].copy_from_slice(&place);
    assert!(
        refused(&overlapping).contains("overlap"),
        "{}",
        refused(&overlapping)
    );
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    for name in ["public.pth", "public_legacy.pth", "timm.safetensors"] {
        let file = fs::read(fixture(name)).unwrap();
        for parts in 0..40 {
            let message = refused(&file[..file.len() * parts / 40]);
            assert!(message.contains("expected"), "{message}");
        }
    }
}

#[test]
fn a_changed_storage_is_found_when_it_is_read() {
    let file = fs::read(fixture("public.pth")).unwrap();
    let members = members_of(&file);
    let (_, storage) = members
        .iter()
        .find(|(name, _)| name.ends_with("/data/1"))
        .unwrap();
    let place = places(&file, &storage[..32])[0];
    let mut changed = file.clone();
    changed[place] ^= 1;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changed.pth");
    fs::write(&path, changed).unwrap();
    let checkpoint = Checkpoint::open(&path).unwrap();
    let measured = [Branch::Student, Branch::Teacher].map(|branch| checkpoint.measure(branch));
    let message = measured
        .into_iter()
        .find_map(Result::err)
        .unwrap()
        .to_string();
    assert!(message.contains("CRC-32"), "{message}");
}

#[test]
fn something_else_is_refused_with_what_it_is() {
    assert!(refused(b"").contains("begins like neither"));
    assert!(refused(b"\x89PNG\r\n\x1a\n picture").contains("begins like neither"));
    assert!(refused(&[0xff; 100]).contains("begins like neither"));
    let header = b"\xff\xff\xff\xff\xff\xff\xff\x7f{";
    assert!(refused(header).contains("header"), "{}", refused(header));
    let claims = br#"{"cls_token":{"dtype":"F32","shape":[1,2,4],"data_offsets":[0,32]}}"#;
    let file = concat(&[&(claims.len() as u64).to_le_bytes(), claims]);
    assert!(refused(&file).contains("length"), "{}", refused(&file));
    let folder = tempfile::tempdir().unwrap();
    let missing = Checkpoint::open(&folder.path().join("none.pth")).unwrap_err();
    assert!(missing.to_string().contains("cannot be read"));
}

//! Mutated files: whatever is in them, reading ends with values or an error, in little memory. `UDI_FUZZ_INPUTS` sets how
//! many are tried (5000 unless it is set).

mod held;

use std::{alloc::System, env, fs, path::Path, time::Instant};

use cap::Cap;
use held::{
    archive::{legacy_of, members_of, zip_of},
    fixture,
};
use udi_weights::{Checkpoint, OptimizerKind, StateRequest};

/// Far more than any of the small files needs; an allocation beyond it fails, and with it the test.
#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, 64 << 20);

/// A stream of numbers, the same for the same start (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

/// Numbers at which sizes and offsets turn over.
const EDGES: [u64; 8] = [
    0,
    1,
    0x7f,
    0xff,
    0x7fff_ffff,
    0xffff_ffff,
    u64::MAX / 2,
    u64::MAX,
];

fn mutate(bytes: &mut Vec<u8>, other: &[u8], numbers: &mut Numbers) {
    for _ in 0..=numbers.below(4) {
        if bytes.is_empty() {
            return;
        }
        let at = numbers.below(bytes.len());
        let end = (at + 1 + numbers.below(64)).min(bytes.len());
        match numbers.below(8) {
            0 => bytes[at] ^= 1 << numbers.below(8),
            1 => bytes[at] = numbers.next() as u8,
            2 => {
                let edge = EDGES[numbers.below(EDGES.len())].to_le_bytes();
                let width = [1, 2, 4, 8][numbers.below(4)].min(bytes.len() - at);
                bytes[at..at + width].copy_from_slice(&edge[..width]);
            }
            3 => drop(bytes.drain(at..end)),
            4 => {
                let piece = bytes[at..end].to_vec();
                let place = numbers.below(bytes.len());
                bytes.splice(place..place, piece);
            }
            5 => bytes.truncate(at),
            6 => {
                let from = numbers.below(other.len());
                let piece = &other[from..(from + 64).min(other.len())];
                bytes.splice(at..end, piece.iter().copied());
            }
            _ => bytes[at..end].rotate_left(1),
        }
    }
}

/// A file, and where in it mutations go: the whole of it, or the pickle, which is then given its right sum.
struct Seed {
    file: Vec<u8>,
    members: Option<Vec<(String, Vec<u8>)>>,
}

impl Seed {
    fn all() -> Vec<Self> {
        let names = [
            "public.pth",
            "public_legacy.pth",
            "parametrized.pth",
            "dino.pth",
            "storages.pth",
            "storages_legacy.pth",
            "timm.safetensors",
        ];
        let files = names.map(|name| fs::read(fixture(name)).unwrap());
        let whole = files.iter().map(|file| Self {
            file: file.clone(),
            members: None,
        });
        let zipped = files.iter().filter(|file| file.starts_with(b"PK"));
        let pickles = zipped.map(|file| Self {
            file: Vec::new(),
            members: Some(members_of(file)),
        });
        whole.chain(pickles).collect()
    }

    fn mutated(&self, other: &[u8], numbers: &mut Numbers) -> Vec<u8> {
        let Some(members) = &self.members else {
            let mut file = self.file.clone();
            mutate(&mut file, other, numbers);
            return file;
        };
        let mut members = members.clone();
        let pickle = members
            .iter_mut()
            .find(|(name, _)| name.ends_with("data.pkl"));
        let (_, pickle) = pickle.unwrap();
        mutate(pickle, other, numbers);
        if numbers.below(8) == 0 {
            return legacy_of(pickle);
        }
        let named: Vec<_> = members
            .iter()
            .map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
            .collect();
        zip_of(&named)
    }
}

/// Reads all that there is, as `import` and `inspect` do; whether it could be.
fn read_all(path: &Path, out: &Path) -> bool {
    let Ok(checkpoint) = Checkpoint::open(path) else {
        return false;
    };
    for branch in checkpoint.branches() {
        if checkpoint.measure(branch).is_err() {
            return false;
        }
    }
    let request = StateRequest {
        optimizer: OptimizerKind::AdamW,
        norms_frozen: false,
        steps: 1,
    };
    // A backbone on its own has no state.
    let _ = checkpoint.write_state(request, out);
    true
}

#[test]
fn mutated_files_are_read_or_refused() {
    let inputs: usize = env::var("UDI_FUZZ_INPUTS").map_or(5000, |count| count.parse().unwrap());
    let folder = tempfile::tempdir_in(if Path::new("/dev/shm").is_dir() {
        "/dev/shm"
    } else {
        "."
    })
    .unwrap();
    let (path, out) = (folder.path().join("mutated"), folder.path().join("state"));
    let seeds = Seed::all();
    let (mut read, mut slowest) = (0, (0.0, 0));
    for input in 0..inputs {
        let mut numbers = Numbers(input as u64);
        let seed = &seeds[numbers.below(seeds.len())];
        let other = &seeds[numbers.below(7)].file;
        fs::write(&path, seed.mutated(other, &mut numbers)).unwrap();
        let start = Instant::now();
        read += usize::from(read_all(&path, &out));
        let seconds = start.elapsed().as_secs_f64();
        if seconds > slowest.0 {
            slowest = (seconds, input);
        }
    }
    println!(
        "{inputs} inputs, {read} read, slowest {slowest:?}, memory at most {} KiB",
        MEMORY.max_allocated() >> 10
    );
    assert!(
        read > 0 && read < inputs,
        "mutations that neither all break a file nor all leave it: {read}"
    );
}

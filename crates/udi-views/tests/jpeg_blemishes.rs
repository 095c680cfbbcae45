//! Whatever a file says, the JPEG decoder gives the pixels of a sound image or nothing, and never fails otherwise.

use std::{fs, path::Path};

use proptest::prelude::*;
use udi_views::decode_jpeg;

const NAMES: [&str; 5] = [
    "rgb.jpg",
    "progressive.jpg",
    "cmyk.jpg",
    "grey.jpg",
    "profile.jpg",
];
const MAX_PIXELS: u64 = 1 << 22;

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test/views/fixtures");
    fs::read(folder.join(name)).unwrap()
}

#[test]
fn sound_files_are_decoded() {
    for name in NAMES {
        let image = decode_jpeg(&fixture(name), MAX_PIXELS).expect(name);
        assert_eq!((image.width, image.height), (21, 13), "{name}");
        assert_eq!(image.pixels.len(), 3 * 21 * 13, "{name}");
    }
}

#[test]
fn an_image_beyond_the_limit_is_not_decoded() {
    let file = fixture("rgb.jpg");
    assert!(decode_jpeg(&file, 21 * 13).is_some());
    assert!(decode_jpeg(&file, 21 * 13 - 1).is_none());
}

#[test]
fn no_part_of_a_file_is_decoded() {
    for name in NAMES {
        let file = fixture(name);
        for length in 0..file.len() {
            assert!(
                decode_jpeg(&file[..length], MAX_PIXELS).is_none(),
                "{name}: {length}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn a_damaged_file_gives_whole_pixels_or_none(
        name in prop::sample::select(&NAMES[..]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut file = fixture(name);
        for (place, byte) in changes {
            let place = place.index(file.len());
            file[place] = byte;
        }
        if let Some(image) = decode_jpeg(&file, MAX_PIXELS) {
            prop_assert_eq!(image.pixels.len(), (3 * image.width * image.height) as usize);
        }
    }
}

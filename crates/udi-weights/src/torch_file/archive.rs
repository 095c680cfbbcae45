//! The zip form of a torch file: `ROOT/data.pkl` and a stored member `ROOT/data/KEY` for each storage.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufReader, Read},
};

use zip::{CompressionMethod, ZipArchive, result::ZipError};

use super::{TorchFile, TorchFormat, machine::unpickle};
use crate::{error::Flaw, stored::Region};

/// Largest pickle that is read: storages lie outside it, so that of any real file is far smaller.
pub(super) const LARGEST_PICKLE: u64 = 64 << 20;

/// Members by their name below the archive's one folder.
type Members = HashMap<String, (usize, Region)>;

pub(super) fn read(file: &File, length: u64) -> Result<TorchFile, Flaw> {
    let reader = file.try_clone().map(BufReader::new);
    let reader = reader.map_err(|error| Flaw::unread("archive", &error))?;
    let mut archive = ZipArchive::new(reader).map_err(|error| damaged(&error))?;
    if archive
        .has_overlapping_files()
        .map_err(|error| damaged(&error))?
    {
        return Err(Flaw::new(
            "archive",
            "members apart",
            "members that overlap",
        ));
    }
    let members = members(&mut archive, length)?;
    let Some((index, region)) = members.get("data.pkl") else {
        let expected = "data.pkl, as torch.save writes it";
        return Err(Flaw::new("archive", expected, "none"));
    };
    refuse_big_endian(&mut archive, &members)?;
    let pickle = content(&mut archive, *index, "data.pkl", region)?;
    let (pickled, _) = unpickle(&pickle)?;
    let storages = members.into_iter().filter_map(|(name, (_, region))| {
        let key = name.strip_prefix("data/")?;
        Some((key.to_owned(), region))
    });
    Ok(TorchFile {
        format: TorchFormat::Zip,
        storages: storages.collect(),
        pickled,
    })
}

fn members(archive: &mut ZipArchive<BufReader<File>>, length: u64) -> Result<Members, Flaw> {
    let mut members = Members::new();
    for index in 0..archive.len() {
        let member = archive
            .by_index_raw(index)
            .map_err(|error| damaged(&error))?;
        let name = member.name().map_err(|error| damaged(&error))?.into_owned();
        refuse_unsafe(&name)?;
        if member.compression() != CompressionMethod::Stored
            || member.size() != member.compressed_size()
        {
            let found = format!("{} of {} bytes", member.compression(), member.size());
            return Err(Flaw::new(
                short(&name),
                "a member that is stored as it is",
                found,
            ));
        }
        let region = Region {
            start: member.data_start().unwrap_or(length),
            length: member.size(),
            crc: Some(member.crc32()),
        };
        if region
            .start
            .checked_add(region.length)
            .is_none_or(|end| end > length)
        {
            let expected = format!("a member within the file of {length} bytes");
            let found = format!("{} bytes at {}", region.length, region.start);
            return Err(Flaw::new(short(&name), expected, found));
        }
        if let Some((_, name)) = name.split_once('/') {
            members.insert(name.to_owned(), (index, region));
        }
    }
    Ok(members)
}

/// No file is ever written under a member's name; one that climbs is refused all the same, for it is no torch file.
fn refuse_unsafe(name: &str) -> Result<(), Flaw> {
    let climbs = name.split(['/', '\\']).any(|part| part == "..");
    if climbs || name.starts_with(['/', '\\']) || name.contains('\0') {
        let found = short(name);
        return Err(Flaw::new("archive", "names within it", found));
    }
    Ok(())
}

fn refuse_big_endian(
    archive: &mut ZipArchive<BufReader<File>>,
    members: &Members,
) -> Result<(), Flaw> {
    let Some((index, region)) = members.get("byteorder") else {
        return Ok(());
    };
    match content(archive, *index, "byteorder", region)?.as_slice() {
        b"little" => Ok(()),
        _ => Err(Flaw::new("byteorder", "little", "another order of bytes")),
    }
}

/// Bytes of a member, compared with its sum.
fn content(
    archive: &mut ZipArchive<BufReader<File>>,
    index: usize,
    name: &str,
    region: &Region,
) -> Result<Vec<u8>, Flaw> {
    if region.length > LARGEST_PICKLE {
        let expected = format!("at most {LARGEST_PICKLE} bytes");
        return Err(Flaw::new(name, expected, region.length.to_string()));
    }
    let mut member = archive.by_index(index).map_err(|error| damaged(&error))?;
    let mut bytes = Vec::with_capacity(region.length as usize);
    member
        .read_to_end(&mut bytes)
        .map_err(|error| Flaw::unread(name, &error))?;
    Ok(bytes)
}

fn damaged(error: &ZipError) -> Flaw {
    Flaw::new("archive", "a whole zip file", error.to_string())
}

fn short(name: &str) -> String {
    name.chars().take(120).collect()
}

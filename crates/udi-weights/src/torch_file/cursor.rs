//! Bytes of a pickle, read one after the other, never beyond their end.

use crate::error::Flaw;

#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes read so far.
    pub fn position(&self) -> usize {
        self.at
    }

    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Flaw> {
        let rest = &self.bytes[self.at..];
        let taken = rest
            .get(..count)
            .ok_or_else(|| self.flaw(&format!("{count} more bytes"), "the end"))?;
        self.at += count;
        Ok(taken)
    }

    pub fn array<const SIZE: usize>(&mut self) -> Result<[u8; SIZE], Flaw> {
        let mut array = [0; SIZE];
        array.copy_from_slice(self.take(SIZE)?);
        Ok(array)
    }

    pub fn byte(&mut self) -> Result<u8, Flaw> {
        Ok(self.array::<1>()?[0])
    }

    /// A length of 1, 4 or 8 bytes.
    pub fn length<const SIZE: usize>(&mut self) -> Result<usize, Flaw> {
        let mut wide = [0; 8];
        wide[..SIZE].copy_from_slice(&self.array::<SIZE>()?);
        usize::try_from(u64::from_le_bytes(wide))
            .map_err(|_| self.flaw("a length", "one beyond any memory"))
    }

    /// Text up to the end of the line, without it.
    pub fn line(&mut self) -> Result<&'a str, Flaw> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|&byte| byte == b'\n');
        let end = end.ok_or_else(|| self.flaw("the end of a line", "the end"))?;
        let line = self.take(end + 1)?;
        self.text(&line[..end])
    }

    pub fn text(&self, bytes: &'a [u8]) -> Result<&'a str, Flaw> {
        std::str::from_utf8(bytes).map_err(|_| self.flaw("UTF-8 text", "other bytes"))
    }

    /// What is wrong at this place.
    pub fn flaw(&self, expected: &str, found: &str) -> Flaw {
        Flaw::new(format!("pickle at byte {}", self.at), expected, found)
    }
}

//! Operations of the machine that give a number, a text or bytes.

use super::{machine::Machine, value::Value};
use crate::error::Flaw;

impl Machine<'_> {
    /// Numbers, texts and bytes.
    pub fn scalar(&mut self, operation: u8) -> Result<Value, Flaw> {
        let cursor = &mut self.cursor;
        let bytes = match operation {
            b'N' => return Ok(Value::None),
            0x88 => return Ok(Value::Bool(true)),
            0x89 => return Ok(Value::Bool(false)),
            b'J' => return Ok(Value::Int(i32::from_le_bytes(cursor.array()?).into())),
            b'K' => return Ok(Value::Int(cursor.byte()?.into())),
            b'M' => return Ok(Value::Int(u16::from_le_bytes(cursor.array()?).into())),
            b'G' => return Ok(Value::Float(f64::from_be_bytes(cursor.array()?))),
            b'I' | b'L' | b'F' | b'V' | b'S' => return self.line_scalar(operation),
            0x8a => {
                let size = cursor.length::<1>()?;
                return self.long(size);
            }
            0x8b => {
                let size = cursor.length::<4>()?;
                return self.long(size);
            }
            b'X' | b'T' | b'B' => cursor.length::<4>()?,
            0x8c | b'U' | b'C' => cursor.length::<1>()?,
            0x8d | 0x8e => cursor.length::<8>()?,
            _ => {
                let found = format!("operation 0x{operation:02x}");
                return Err(self.flaw("an operation that builds plain data", &found));
            }
        };
        let bytes = cursor.take(bytes)?;
        match operation {
            b'B' | b'C' | 0x8e => Ok(Value::Bytes(bytes.into())),
            // A str of Python 2 may hold bytes.
            b'T' | b'U' if std::str::from_utf8(bytes).is_err() => Ok(Value::Bytes(bytes.into())),
            _ => Ok(Value::Text(self.cursor.text(bytes)?.into())),
        }
    }

    /// Values of the first protocol, written as a line of text.
    fn line_scalar(&mut self, operation: u8) -> Result<Value, Flaw> {
        let line = self.cursor.line()?;
        let value = match (operation, line) {
            (b'I', "00") => Some(Value::Bool(false)),
            (b'I', "01") => Some(Value::Bool(true)),
            (b'I', _) => line.parse().ok().map(Value::Int),
            (b'L', _) => line.trim_end_matches('L').parse().ok().map(Value::Int),
            (b'F', _) => line.parse().ok().map(Value::Float),
            // Escapes stand for characters that no name in a checkpoint has.
            _ if line.contains('\\') => None,
            (b'S', _) => Some(Value::Text(line.trim_matches(['\'', '"']).into())),
            _ => Some(Value::Text(line.into())),
        };
        value.ok_or_else(|| self.flaw("a number or a plain text", "another line"))
    }

    fn long(&mut self, size: usize) -> Result<Value, Flaw> {
        if size > 15 {
            let found = format!("one of {size} bytes");
            return Err(self.flaw("a whole number of at most 15 bytes", &found));
        }
        let bytes = self.cursor.take(size)?;
        let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let mut wide = [if negative { 0xff } else { 0 }; 16];
        wide[..size].copy_from_slice(bytes);
        Ok(Value::Int(i128::from_le_bytes(wide)))
    }
}

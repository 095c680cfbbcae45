//! Reads a pickle: a program for a stack machine, of which only what builds plain data is understood.
//!
//! Each operation makes at most one node and the number of operations is bounded, so memory and time are. No step calls
//! itself: depth costs nothing.

use std::{collections::HashMap, sync::Arc};

use super::{
    allowed::allowed,
    cursor::Cursor,
    rebuild,
    value::{Node, NodeId, Pickled, Value},
};
use crate::error::Flaw;

/// Far more than any checkpoint takes: one of a large model with its optimiser has some 100 000.
const MOST_OPERATIONS: usize = 1_000_000;

/// Values and bytes that operations may copy in all: what is built from a value named before is copied from it.
const MOST_COPIED: usize = 8_000_000;

/// Arguments of a call, and sides of a tensor.
pub(super) const MOST_ARGUMENTS: usize = 64;

/// The machine while it runs.
#[derive(Debug)]
pub(super) struct Machine<'a> {
    pub cursor: Cursor<'a>,
    pub nodes: Vec<Node>,
    stack: Vec<Value>,
    /// Heights of the stack at which marks stand.
    marks: Vec<usize>,
    memo: HashMap<u64, Value>,
    /// Values and bytes that may still be copied.
    allowance: usize,
}

/// A pickle and the number of its bytes.
pub(crate) fn unpickle(bytes: &[u8]) -> Result<(Pickled, usize), Flaw> {
    let mut machine = Machine {
        cursor: Cursor::new(bytes),
        nodes: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        allowance: MOST_COPIED,
    };
    for _ in 0..MOST_OPERATIONS {
        if machine.step()? {
            let root = machine.pop()?;
            let read = machine.cursor.position();
            let nodes = machine.nodes;
            return Ok((Pickled { nodes, root }, read));
        }
    }
    let most = format!("at most {MOST_OPERATIONS} operations");
    Err(machine.flaw(&most, "more"))
}

impl Machine<'_> {
    pub fn flaw(&self, expected: &str, found: &str) -> Flaw {
        self.cursor.flaw(expected, found)
    }

    /// One operation; true: the last one.
    fn step(&mut self) -> Result<bool, Flaw> {
        let operation = self.cursor.byte()?;
        match operation {
            b'.' => return Ok(true),
            b'(' => self.marks.push(self.stack.len()),
            b'0' => self.drop_top()?,
            b'1' => {
                self.marked()?;
            }
            b'2' => {
                let top = self.top()?.clone();
                self.stack.push(top);
            }
            0x80 => {
                self.cursor.byte()?;
            }
            0x95 => {
                self.cursor.take(8)?;
            }
            b'c' | 0x93 => self.name(operation)?,
            b'R' | 0x81 => self.reduce()?,
            b'b' => self.build()?,
            b'Q' => {
                let id = self.pop()?;
                let storage = rebuild::storage(self, &id)?;
                self.push_node(Node::Storage(Box::new(storage)));
            }
            b'q' | b'r' | b'p' | 0x94 => self.memoize(operation)?,
            b'h' | b'j' | b'g' => self.recall(operation)?,
            b']' | b')' | b'}' | 0x8f | b'a' | b'e' | b's' | b'u' | 0x90 | b't' | b'l' | b'd'
            | 0x85 | 0x86 | 0x87 => self.container(operation)?,
            _ => {
                let value = self.scalar(operation)?;
                self.stack.push(value);
            }
        }
        Ok(false)
    }

    /// Numbers, texts and bytes.
    fn scalar(&mut self, operation: u8) -> Result<Value, Flaw> {
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

    fn container(&mut self, operation: u8) -> Result<(), Flaw> {
        match operation {
            b']' | 0x8f => self.push_node(Node::List(Vec::new())),
            b')' => self.push_node(Node::Tuple(Vec::new())),
            b'}' => self.push_node(Node::Dict(Vec::new())),
            b't' => self.push_marked(Node::Tuple)?,
            b'l' => self.push_marked(Node::List)?,
            b'd' => {
                let items = self.marked()?;
                let entries = self.paired(items)?;
                self.push_node(Node::Dict(entries));
            }
            b'a' => {
                let item = self.pop()?;
                self.extend(vec![item])?;
            }
            b'e' | 0x90 => {
                let items = self.marked()?;
                self.extend(items)?;
            }
            b's' => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.set(vec![(key, value)])?;
            }
            b'u' => {
                let items = self.marked()?;
                let entries = self.paired(items)?;
                self.set(entries)?;
            }
            _ => {
                let items = self.last(usize::from(operation - 0x84))?;
                self.push_node(Node::Tuple(items));
            }
        }
        Ok(())
    }

    fn name(&mut self, operation: u8) -> Result<(), Flaw> {
        let name = match operation {
            b'c' => {
                let module = self.cursor.line()?;
                let name = self.cursor.line()?;
                allowed(module, name)?
            }
            _ => match self.last(2)?.as_slice() {
                [Value::Text(module), Value::Text(name)] => allowed(module, name)?,
                _ => return Err(self.flaw("a module and a name", "something else")),
            },
        };
        self.stack.push(Value::Name(name));
        Ok(())
    }

    /// What a class or a function of the list makes of its arguments.
    fn reduce(&mut self) -> Result<(), Flaw> {
        let arguments = self.pop()?;
        let Value::Name(name) = self.pop()? else {
            return Err(self.flaw("a name to build from", "another value"));
        };
        let arguments = match self.node(&arguments) {
            Some(Node::Tuple(items)) if items.len() <= MOST_ARGUMENTS => items.clone(),
            _ => return Err(self.flaw("a few arguments", "another value")),
        };
        let value = rebuild::reduced(self, name, &arguments)?;
        self.stack.push(value);
        Ok(())
    }

    /// The state of the object below it.
    fn build(&mut self) -> Result<(), Flaw> {
        let state = self.pop()?;
        let object = self.top()?.clone();
        let big_endian = rebuild::is_big_endian(self, &state);
        match self.node_mut(&object) {
            Some(Node::Namespace(held)) => *held = state,
            Some(Node::NumpyDtype {
                big_endian: held, ..
            }) => *held = big_endian,
            // Attributes beside the entries (`_metadata` of a state dictionary) say nothing about the weights.
            Some(Node::Dict(_) | Node::Tensor(_)) => (),
            _ => return Err(self.flaw("an object that has a state", "another value")),
        }
        Ok(())
    }

    fn memoize(&mut self, operation: u8) -> Result<(), Flaw> {
        let key = match operation {
            0x94 => self.memo.len() as u64,
            b'q' => self.cursor.length::<1>()? as u64,
            b'r' => self.cursor.length::<4>()? as u64,
            _ => self.line_number()?,
        };
        let value = self.top()?.clone();
        self.memo.insert(key, value);
        Ok(())
    }

    fn recall(&mut self, operation: u8) -> Result<(), Flaw> {
        let key = match operation {
            b'h' => self.cursor.length::<1>()? as u64,
            b'j' => self.cursor.length::<4>()? as u64,
            _ => self.line_number()?,
        };
        let value = self.memo.get(&key).cloned();
        let value = value.ok_or_else(|| self.flaw("a value named before", &key.to_string()))?;
        self.stack.push(value);
        Ok(())
    }

    fn line_number(&mut self) -> Result<u64, Flaw> {
        let line = self.cursor.line()?;
        line.parse().map_err(|_| self.flaw("a number", "text"))
    }

    pub fn node(&self, value: &Value) -> Option<&Node> {
        match value {
            Value::Node(NodeId(id)) => self.nodes.get(*id as usize),
            _ => None,
        }
    }

    fn node_mut(&mut self, value: &Value) -> Option<&mut Node> {
        match value {
            Value::Node(NodeId(id)) => self.nodes.get_mut(*id as usize),
            _ => None,
        }
    }

    /// Allows a copy of so many values or bytes.
    pub fn spend(&mut self, count: usize) -> Result<(), Flaw> {
        let left = self.allowance.checked_sub(count);
        self.allowance = left.ok_or_else(|| self.flaw("few copies", "ever more of them"))?;
        Ok(())
    }

    /// A new node as a value.
    pub fn add(&mut self, node: Node) -> Value {
        self.nodes.push(node);
        // Fewer nodes than operations, whose number fits.
        Value::Node(NodeId((self.nodes.len() - 1) as u32))
    }

    fn push_node(&mut self, node: Node) {
        let value = self.add(node);
        self.stack.push(value);
    }

    fn push_marked(&mut self, make: fn(Vec<Value>) -> Node) -> Result<(), Flaw> {
        let items = self.marked()?;
        self.push_node(make(items));
        Ok(())
    }

    fn extend(&mut self, items: Vec<Value>) -> Result<(), Flaw> {
        let list = self.top()?.clone();
        match self.node_mut(&list) {
            Some(Node::List(list)) => list.extend(items),
            _ => return Err(self.flaw("a list", "another value")),
        }
        Ok(())
    }

    fn set(&mut self, entries: Vec<(Value, Value)>) -> Result<(), Flaw> {
        let dict = self.top()?.clone();
        match self.node_mut(&dict) {
            Some(Node::Dict(dict)) => dict.extend(entries),
            _ => return Err(self.flaw("a dictionary", "another value")),
        }
        Ok(())
    }

    fn paired(&self, items: Vec<Value>) -> Result<Vec<(Value, Value)>, Flaw> {
        let (pairs, rest) = items.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(self.flaw("keys with values", "a key without one"));
        }
        let pair = |[key, value]: &[Value; 2]| (key.clone(), value.clone());
        Ok(pairs.iter().map(pair).collect())
    }

    /// Everything above the last mark, which goes.
    fn marked(&mut self) -> Result<Vec<Value>, Flaw> {
        let mark = self
            .marks
            .pop()
            .ok_or_else(|| self.flaw("a mark", "none"))?;
        let height = self.stack.len();
        if mark > height {
            return Err(self.flaw("a mark below the top", "one above it"));
        }
        Ok(self.stack.split_off(mark))
    }

    fn last(&mut self, count: usize) -> Result<Vec<Value>, Flaw> {
        let below = self.stack.len().checked_sub(count);
        let below = below.ok_or_else(|| self.flaw("values on the stack", "too few"))?;
        Ok(self.stack.split_off(below))
    }

    fn top(&self) -> Result<&Value, Flaw> {
        self.stack
            .last()
            .ok_or_else(|| self.flaw("a value on the stack", "none"))
    }

    fn pop(&mut self) -> Result<Value, Flaw> {
        let top = self.stack.pop();
        top.ok_or_else(|| self.flaw("a value on the stack", "none"))
    }

    /// Pops a value, or a mark that stands on top.
    fn drop_top(&mut self) -> Result<(), Flaw> {
        match self.marks.last() {
            Some(&mark) if mark == self.stack.len() => self.marks.truncate(self.marks.len() - 1),
            _ => {
                self.pop()?;
            }
        }
        Ok(())
    }
}

/// Text that a value is.
pub(super) fn text(value: Option<&Value>) -> Option<Arc<str>> {
    match value {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    }
}

/// A whole number of at least 0 that a value is.
pub(super) fn whole(value: Option<&Value>) -> Option<u64> {
    match value {
        Some(&Value::Int(number)) => u64::try_from(number).ok(),
        _ => None,
    }
}

//! Reads a pickle: a program for a stack machine, of which only what builds plain data is understood.
//!
//! Each operation makes at most one node and the number of operations is bounded, so memory and time are. No step calls
//! itself: depth costs nothing.

use std::collections::HashMap;

use super::{
    allowed::allowed,
    cursor::Cursor,
    rebuild,
    value::{Node, Pickled, Value},
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
    pub stack: Vec<Value>,
    /// Heights of the stack at which marks stand.
    pub marks: Vec<usize>,
    memo: HashMap<u64, Value>,
    /// Values and bytes that may still be copied.
    pub allowance: usize,
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
}

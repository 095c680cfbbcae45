//! The weighted nearest-neighbour vote.

use napi::{
    Env,
    bindgen_prelude::{Float32ArraySlice, Int32ArraySlice, PromiseRaw},
};
use napi_derive::napi;
use udi::Labelled;

use crate::{
    batch::copied,
    convert::device,
    failure::Failure,
    guard::guarded,
    shapes::{NeighbourScore, NeighbourVote},
    thread,
};

/// Rows that are voted on.
struct TestData {
    rows: Vec<f32>,
    labels: Vec<i32>,
}

/// The vote's features, copied out of JavaScript's memory.
struct VoteData {
    train: Vec<f32>,
    train_labels: Vec<i32>,
    test: Option<TestData>,
    width: i64,
    classes: i64,
    neighbours: Vec<i64>,
    temperature: f64,
    device: String,
}

impl VoteData {
    fn copy(vote: &NeighbourVote) -> Result<Self, Failure> {
        Ok(Self {
            train: copied(&vote.train)?,
            train_labels: copied(&vote.train_labels)?,
            test: test(vote)?,
            width: vote.width.into(),
            classes: vote.classes.into(),
            neighbours: vote.neighbours.iter().copied().map(i64::from).collect(),
            temperature: vote.temperature,
            device: vote.device.clone(),
        })
    }

    fn scores(&self) -> Result<Vec<NeighbourScore>, Failure> {
        let scores = udi::neighbour_vote(&udi::NeighbourVote {
            train: Labelled {
                rows: &self.train,
                labels: &self.train_labels,
            },
            test: self.test.as_ref().map(|test| Labelled {
                rows: &test.rows,
                labels: &test.labels,
            }),
            width: self.width,
            classes: self.classes,
            neighbours: &self.neighbours,
            temperature: self.temperature,
            device: device(&self.device)?,
        })?;
        Ok(scores.into_iter().map(NeighbourScore::from).collect())
    }
}

/// None: leave one out.
fn test(vote: &NeighbourVote) -> Result<Option<TestData>, Failure> {
    let pair = vote.test.as_ref().zip(vote.test_labels.as_ref());
    let copy = |(rows, labels): (&Float32ArraySlice, &Int32ArraySlice)| {
        Ok(TestData {
            rows: copied(rows)?,
            labels: copied(labels)?,
        })
    };
    pair.map(copy).transpose()
}

/// Scores of each number of neighbours, in the order asked for; on a thread of its own.
#[napi(catch_unwind)]
pub fn neighbour_vote<'env>(
    env: &'env Env,
    vote: NeighbourVote,
) -> napi::Result<PromiseRaw<'env, Vec<NeighbourScore>>> {
    let vote = VoteData::copy(&vote).map_err(|failure| failure.into_napi(env))?;
    let (_, inbox) = thread::line::<()>();
    thread::start(env, "udi-vote", inbox, move |_, reply| {
        reply.settle(guarded(|| vote.scores()));
    })
}

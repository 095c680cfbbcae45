//! The weighted nearest-neighbour vote.

use napi::{Env, bindgen_prelude::PromiseRaw};
use napi_derive::napi;

use crate::{
    batch::copied,
    failure::Failure,
    guard::guarded,
    shapes::{NeighbourScore, NeighbourVote},
    thread,
};

/// The vote's features, copied out of JavaScript's memory.
struct VoteData {
    train: Vec<f32>,
    train_labels: Vec<i32>,
    test: Vec<f32>,
    test_labels: Vec<i32>,
    width: i64,
    classes: i64,
    neighbours: Vec<i64>,
    temperature: f64,
}

impl VoteData {
    fn copy(vote: &NeighbourVote) -> Result<Self, Failure> {
        Ok(Self {
            train: copied(&vote.train)?,
            train_labels: copied(&vote.train_labels)?,
            test: copied(&vote.test)?,
            test_labels: copied(&vote.test_labels)?,
            width: vote.width.into(),
            classes: vote.classes.into(),
            neighbours: vote.neighbours.iter().copied().map(i64::from).collect(),
            temperature: vote.temperature,
        })
    }

    fn scores(&self) -> Result<Vec<NeighbourScore>, Failure> {
        let scores = udi::neighbour_vote(&udi::NeighbourVote {
            train: &self.train,
            train_labels: &self.train_labels,
            test: &self.test,
            test_labels: &self.test_labels,
            width: self.width,
            classes: self.classes,
            neighbours: &self.neighbours,
            temperature: self.temperature,
        })?;
        Ok(scores.into_iter().map(NeighbourScore::from).collect())
    }
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

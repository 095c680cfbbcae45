//! A record of what a learner does, as its callers see it.

mod device;
mod small;

use std::{env, fs, path::PathBuf, process, sync::Mutex};

use small::config;
use udi::{Branch, Learner, Pixels, UdiError};

/// A process has one record at a time.
static ONE: Mutex<()> = Mutex::new(());

fn learner() -> Learner {
    Learner::new(&config()).unwrap()
}

fn look(learner: &Learner) {
    let pixels = Pixels::Bytes(&[7; 3 * 16 * 16]);
    learner.features(Branch::Teacher, 1, 16, &pixels).unwrap();
}

fn file(name: &str) -> PathBuf {
    let folder = env::temp_dir().join(format!("udi-trace-{}", process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

/// Whether a record holds a product of matrices.
fn multiplies(path: &PathBuf) -> bool {
    let record: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let events = record["traceEvents"].as_array().unwrap();
    events.iter().any(|event| event["name"] == "aten::addmm")
}

#[test]
fn a_record_holds_the_operations_of_its_time_and_no_others() {
    let _one = ONE.lock().unwrap();
    let learner = learner();
    let (idle, busy) = (file("idle.json"), file("busy.json"));
    look(&learner);
    let trace = learner.begin_trace().unwrap();
    learner.finish_trace(trace, &idle).unwrap();
    let trace = learner.begin_trace().unwrap();
    look(&learner);
    learner.finish_trace(trace, &busy).unwrap();
    assert_eq!((multiplies(&idle), multiplies(&busy)), (false, true));
}

#[test]
fn a_second_record_is_refused_until_the_first_has_ended() {
    let _one = ONE.lock().unwrap();
    let (first, second) = (learner(), learner());
    let trace = first.begin_trace().unwrap();
    let error = second.begin_trace().unwrap_err();
    let expected = "trace: expected one record at a time in a process, received another";
    assert_eq!(error.to_string(), expected);
    first.finish_trace(trace, &file("first.json")).unwrap();
    let trace = second.begin_trace().unwrap();
    second.finish_trace(trace, &file("second.json")).unwrap();
}

#[test]
fn a_record_that_cannot_be_written_is_an_error_and_another_may_begin() {
    let _one = ONE.lock().unwrap();
    let learner = learner();
    let nowhere = file("no-folder").join("trace.json");
    let trace = learner.begin_trace().unwrap();
    let error = learner.finish_trace(trace, &nowhere).unwrap_err();
    assert!(
        matches!(&error, UdiError::Io { path, action: "written", .. } if *path == nowhere),
        "{error:?}"
    );
    let trace = learner.begin_trace().unwrap();
    learner.finish_trace(trace, &file("again.json")).unwrap();
}

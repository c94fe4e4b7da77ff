use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::clock::Timestamp;
use crate::store::{Incoming, Origin};
use crate::task::{Description, Revision, Task, TaskId, Title};
use crate::user::UserId;

fn title() -> impl Strategy<Value = String> {
    "[\\PC\r\n\t\",;=+\\-@]{1,40}"
        .prop_filter_map("no title", |text| Some(Title::parse(&text).ok()?.as_str().to_owned()))
}

fn description() -> impl Strategy<Value = Option<String>> {
    prop::option::of(prop_oneof![Just(String::new()), "[\\PC \r\n\t\",]{1,40}"])
}

fn task() -> impl Strategy<Value = (UserId, Task)> {
    let instant = || (-62_167_219_200_000_000..=253_402_207_199_999_999_i64).prop_map(Timestamp::from_micros);
    let user = "[^\\p{C}]{1,20}".prop_filter_map("no user", |text| UserId::parse(&text));
    (user, 1..(1_i64 << 53), title(), description(), any::<bool>(), instant(), instant()).prop_map(
        |(user, id, title, description, completed, created_at, updated_at)| {
            let (id, revision) = (TaskId(id), Revision::ZERO);
            (user, Task { id, title, description, completed, created_at, updated_at, revision })
        },
    )
}

fn incoming(user: &UserId, task: &Task, format: Format) -> Incoming {
    // CSV has one way to write nothing.
    let description = task.description.clone().filter(|text| format == Format::Jsonl || !text.is_empty());
    Incoming {
        origin: Origin::Kept(task.id),
        user: user.clone(),
        title: Title::parse(&task.title).unwrap(),
        description: description.map(|text| Description::parse(text).unwrap()),
        completed: task.completed,
        created_at: task.created_at,
        updated_at: task.updated_at,
    }
}

#[test]
fn what_is_written_is_read_as_it_was() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&prop::collection::vec(task(), 0..5), |tasks| {
        for format in [Format::Jsonl, Format::Csv] {
            let mut file = Vec::new();
            let mut writer = Writer::new(&mut file, format).unwrap();
            for (user, task) in &tasks {
                writer.write(user, task).unwrap();
            }
            writer.finish().unwrap();
            let read = runtime.block_on(async {
                let mut input = Input::file(std::io::Cursor::new(file), format, Names::default());
                let mut read = Vec::new();
                loop {
                    match input.next().await.unwrap() {
                        rows if rows.is_empty() => return read,
                        rows => read.extend(rows.iter().map(|row| row.check().unwrap())),
                    }
                }
            });
            let written: Vec<Incoming> = tasks.iter().map(|(user, task)| incoming(user, task, format)).collect();
            prop_assert_eq!(&read, &written);
        }
        Ok(())
    });
    outcome.unwrap();
}

//! Files with something wrong in them.

use std::fs::{self, File};
use std::io::Write as _;

use super::{file, run, titles};
use crate::support::{Sqlite, start};

#[tokio::test]
async fn lines_that_are_no_tasks_are_told_by_their_numbers() {
    let app = start(Sqlite).await;
    let (_folder, path) = file("tasks.jsonl");
    let good =
        |id| format!(r#"{{"id":{id},"user_id":"ann","title":"{id}","completed":false,"created_at":"2026-01-01"}}"#);
    let mut text = format!("{}\nnot json\n\n[1]\n{{\"id\":5}}\n", good(1)).into_bytes();
    text.extend(b"{\"id\":6,\"title\":\"\xff\"}\n{\"id\":{},\"user_id\":\"ann\"}\n");
    text.extend(format!("{{\"id\":8,\"title\":\"{}\"}}\n{}\n{{\"id\":10", "x".repeat(1 << 21), good(9)).bytes());
    fs::write(&path, text).unwrap();
    let done = run(&app.database.text, &["import", "--from", path.to_str().unwrap()]);
    assert_eq!((done.status, done.out.as_str()), (1, "2 imported, 0 there before, 7 refused, of 9 rows\n"));
    insta::assert_snapshot!(done.err, @r"
    refused line 2: is no JSON object
    refused line 4: is no JSON object
    refused line 5: created_at: is missing
    refused line 6: is no JSON object
    refused line 7: id: is no text
    refused line 8: is longer than 65536 bytes
    refused line 10: is no JSON object
    taskgate: 7 of 9 rows were refused, see above; mend them where they come from and run it again.
    ");
    assert_eq!(titles(&app, "ann").await, ["9", "1"]);
}

#[tokio::test]
async fn records_that_do_not_fit_their_header_are_told() {
    let app = start(Sqlite).await;
    let (_folder, path) = file("tasks.csv");
    let header = "id,user_id,title,completed,created_at";
    let import = |text: &str| {
        fs::write(&path, text).unwrap();
        run(&app.database.text, &["import", "--from", path.to_str().unwrap()])
    };
    let done = import(&format!("{header}\n1,ann,\"a\nb\",true,2026-01-01\n2,ann\n3,ann,,true,2026-01-01\n"));
    assert_eq!((done.status, done.out.as_str()), (1, "1 imported, 0 there before, 2 refused, of 3 rows\n"));
    insta::assert_snapshot!(done.err, @r"
    refused line 4: has 2 fields where the first line has 5
    refused line 5: title: is missing
    taskgate: 2 of 3 rows were refused, see above; mend them where they come from and run it again.
    ");
    // What was read before a file breaks off is there, and it is told how to go on.
    let never_closed = format!("{header}\n7,ann,seven,true,2026-01-01\n8,ann,\"{}", "x".repeat(1 << 22));
    let done = import(&never_closed);
    assert_eq!((done.status, done.out.as_str()), (1, "1 imported, 0 there before, 0 refused, of 1 rows\n"));
    insta::assert_snapshot!(done.err, @"taskgate: The import was broken off: --from cannot be read any further: line 3: a record is longer than 65536 bytes; a quote may not be closed. What is imported stays; run the same command again, and it goes on from there.");
    let done = import("name,mail\nann,a@b\n");
    assert_eq!((done.status, done.out.as_str()), (1, "0 imported, 0 there before, 0 refused, of 0 rows\n"));
    assert!(done.err.contains("the first line has no column id; it has name, mail."), "{}", done.err);
}

#[tokio::test]
async fn many_refusals_are_counted_and_not_all_printed() {
    let app = start(Sqlite).await;
    let (_folder, path) = file("tasks.jsonl");
    let mut out = File::create(&path).unwrap();
    for _ in 0..2_500 {
        writeln!(out, "{{}}").unwrap();
    }
    let done = run(&app.database.text, &["import", "--from", path.to_str().unwrap()]);
    assert_eq!((done.status, done.err.lines().count()), (1, 22), "{}", done.err);
    assert!(done.err.contains("\nand 2480 more; --refused FILE has them all\n"), "{}", done.err);
}

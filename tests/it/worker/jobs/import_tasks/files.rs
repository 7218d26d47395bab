//! Files as people make them: encodings, headers, quotes, and those that are broken.

use crate::api::imports::{import, titles};
use crate::support::TestApp;
use serde_json::json;

#[tokio::test]
async fn what_spreadsheets_and_editors_write_is_read() {
    let app = TestApp::new().await;
    let blank = [&b" \n".repeat(200_000)[..], b"{\"title\":\"a\"}"].concat();
    let files: [(&str, &[u8], &[&str]); 13] = [
        ("application/x-ndjson", &blank, &["a"]),
        ("text/csv", b"\xEF\xBB\xBFtitle\r\na\r\nb", &["a", "b"]),
        ("text/csv", b"title\ra\rb\r", &["a", "b"]),
        ("text/csv", b"title\n\n\na\n\r\n\nb\n\n", &["a", "b"]),
        ("text/csv", b" title ,\"priority\"\na,\nb, 3 \n", &["a", "b"]),
        ("text/csv", b"\"title\"\n\"two\nlines\"\n\"a \"\"quote\"\"\"\n", &["two\nlines", "a \"quote\""]),
        ("text/csv", b"title\n5\" nail\nit's \"so\"", &["5\" nail", "it's \"so\""]),
        ("text/csv", b"id,title\n\"\",\"last\"", &["last"]),
        ("text/csv", b"title\n", &[]),
        ("application/json", b"\xEF\xBB\xBF [ ] \n", &[]),
        (
            "application/json",
            b"[\n{\"title\":\"a]}\\\"\\\\\"}\n ,\t{\"title\": \"b\", \"tags\": [\"[{\"]}\r\n]\n",
            &["a]}\"\\", "b"],
        ),
        ("application/x-ndjson", b"\xEF\xBB\xBF\n {\"title\":\"a\"} \r\n\r\n\n{\"title\":\"b\"}", &["a", "b"]),
        ("application/x-ndjson", b"{\"title\":\"a\\nb\"}", &["a\nb"]),
    ];

    for (content_type, file, expected) in files {
        let ada = app.actor().await;
        let job = import(&app, &ada, content_type, file.to_vec()).await;

        let shown = String::from_utf8_lossy(file);
        let rows = expected.len();
        assert_eq!(job["result"], json!({ "rows": rows, "imported": rows, "refused": 0 }), "{shown}: {job}");
        assert_eq!(titles(&ada).await, expected, "{shown}");
    }
}

#[tokio::test]
async fn a_row_that_is_wrong_does_not_hold_up_the_next() {
    let app = TestApp::new().await;
    let long = "x".repeat(300_000);
    let files: [(&str, Vec<u8>, &str); 13] = [
        ("text/csv", b"title\n\xFF\nfine\n".to_vec(), "malformed"),
        ("text/csv", b"title,description\n\xC3,\xA4\nfine,\n".to_vec(), "malformed"),
        ("text/csv", b"title\n\"a\"b\"\nfine\n".to_vec(), "malformed"),
        ("text/csv", b"title\na,b\nfine\n".to_vec(), "malformed"),
        ("text/csv", format!("title\n{long}\nfine\n").into(), "too_long"),
        ("text/csv", format!("title\n{}\nfine\n", ",".repeat(300_000)).into(), "too_long"),
        ("application/json", format!("[{{\"title\": \"{long}\"}}, {{\"title\": \"fine\"}}]").into(), "too_long"),
        ("application/json", b"[{\"title\": \"\xFF\"}, {\"title\": \"fine\"}]".to_vec(), "malformed"),
        ("application/json", b"[{\"title\" \"x\"}, {\"title\": \"fine\"}]".to_vec(), "malformed"),
        ("application/json", b"[[{\"title\": 1}], {\"title\": \"fine\"}]".to_vec(), "wrong_type"),
        ("application/json", b"[{\"title\": \"a\", \"title\": \"b\"}, {\"title\": \"fine\"}]".to_vec(), "duplicate"),
        ("application/x-ndjson", b"{\"title\": \n{\"title\": \"fine\"}\n".to_vec(), "malformed"),
        ("application/x-ndjson", format!("{{\"title\": \"{long}\"}}\n{{\"title\": \"fine\"}}").into(), "too_long"),
    ];

    for (content_type, file, code) in files {
        let ada = app.actor().await;
        let shown: String = String::from_utf8_lossy(&file).chars().take(80).collect();
        let job = import(&app, &ada, content_type, file).await;

        assert_eq!(job["result"], json!({ "rows": 2, "imported": 1, "refused": 1 }), "{shown}: {job}");
        let errors = ada.get(&format!("/v1/imports/{}/errors", job["id"].as_str().unwrap())).await.json(200);
        assert_eq!((&errors["items"][0]["row"], &errors["items"][0]["code"]), (&json!(1), &json!(code)), "{shown}");
        assert_eq!(titles(&ada).await, ["fine"], "{shown}");
    }
}

#[tokio::test]
async fn items_of_a_list_that_are_no_objects_are_refused_one_by_one() {
    let app = TestApp::new().await;
    let ada = app.actor().await;

    let job = import(&app, &ada, "application/json", "[1, \"a, ]\", null ,true,-2.5e3,{\"title\":\"fine\"},[]]").await;

    assert_eq!(job["result"], json!({ "rows": 7, "imported": 1, "refused": 6 }), "{job}");
}

#[tokio::test]
async fn a_file_that_cannot_be_read_fails_the_job_and_says_why() {
    let app = TestApp::new().await;
    let files: [(&str, &[u8], &str); 18] = [
        ("text/csv", b"\xEF\xBB\xBF", "the file is empty"),
        ("text/csv", b"\r\n\r\n", "the file is empty"),
        ("application/x-ndjson", b" \n \n", "the file is empty"),
        ("text/csv", b"\xFF\xFEt\0i\0t\0l\0e\0", "the file is written in UTF-16"),
        ("text/csv", b"\xFE\xFF\0t\0i\0t\0l\0e", "the file is written in UTF-16"),
        ("text/csv", b"t\xEFtle\n", "the header cannot be read: the row is not written in UTF-8"),
        ("text/csv", b"\"title\n", "a quote is opened and never closed"),
        (
            "text/csv",
            b"title,colour\n",
            "the header has the column \"colour\", which does not exist; the columns are id,",
        ),
        ("text/csv", b"title;priority\n", "commas stand between them"),
        ("text/csv", b"title,priority,title\n", "the header has the column \"title\" twice"),
        ("text/csv", b"priority\n1\n", "the header has no column \"title\""),
        (
            "text/csv",
            b"title\nfine\n\"open\nend\n",
            "a quote is opened and never closed (row 2); of the 1 rows before it 1 were imported, and 0 refused",
        ),
        ("application/json", b"[{\"title\":\"fine\"}", "the list is not closed"),
        ("application/json", b"[{\"title\":\"fine\"},", "the list is not closed"),
        ("application/json", b"[{\"title\":\"fine\"},]", "the list is not JSON"),
        ("application/json", b"[{\"title\":\"fine\"} {\"title\":\"x\"}]", "the list is not JSON"),
        ("application/json", b"[{\"title\":\"fine\"}] x", "something follows the end of the list"),
        ("application/json", b"[{\"title\":\"fine\"}, {\"title\": \"x]", "the list is not closed"),
    ];

    for (content_type, file, reason) in files {
        let ada = app.actor().await;
        let job = import(&app, &ada, content_type, file.to_vec()).await;

        let shown = String::from_utf8_lossy(file);
        assert_eq!((&job["state"], &job["attempt"]), (&json!("failed"), &json!(1)), "{shown}: {job}");
        let error = job["errors"][0]["error"].as_str().unwrap();
        assert!(error.contains(reason), "{shown}: {error}");
        let imported = i64::from(file.windows(4).any(|bytes| bytes == b"fine"));
        assert_eq!(titles(&ada).await.len(), usize::try_from(imported).unwrap(), "{shown}");
    }
}

#[tokio::test]
async fn a_file_that_is_gone_fails_the_job_and_says_so() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let accepted = ada.send_as(axum::http::Method::POST, "/v1/imports", "text/csv", "title\nx\n").await;
    let key: String =
        sqlx::query_scalar("select object_key from imports").fetch_one(&mut app.db().await).await.unwrap();

    app.api.storage.delete(&key).await.unwrap();
    app.drain().await;

    let job = ada.get(accepted.header("location")).await.json(200);
    assert_eq!(job["state"], "failed");
    assert_eq!(job["errors"][0]["error"], "the file is gone: upload it again");
}

/// Rows and batches lie across the parts in which a file is read, which have a mebibyte.
#[tokio::test]
async fn rows_across_the_parts_of_a_file_are_whole() {
    let app = TestApp::new().await;
    for format in ["csv", "json", "ndjson"] {
        let ada = app.actor().await;
        let rows = (0..400).map(|number| {
            let description = format!("{number} \"é\", \\ {}", "ä, \"".repeat(1_000 + number * 3));
            json!({ "title": format!("Task {number}"), "description": description })
        });
        let rows: Vec<_> = rows.collect();
        let file = match format {
            "csv" => {
                let mut writer = csv::Writer::from_writer(Vec::new());
                writer.write_record(["title", "description"]).unwrap();
                for row in &rows {
                    writer
                        .write_record([row["title"].as_str().unwrap(), row["description"].as_str().unwrap()])
                        .unwrap();
                }
                String::from_utf8(writer.into_inner().unwrap()).unwrap()
            }
            "json" => serde_json::to_string_pretty(&rows).unwrap(),
            _ => rows.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
        };
        assert!(file.len() > 2 * 1024 * 1024, "{} bytes", file.len());

        let id = crate::api::imports::upload(&ada, file).await;
        let format = if format == "csv" { "csv" } else { "json" };
        let accepted = ada.post("/v1/imports", json!({ "upload_id": id, "format": format })).await;
        app.drain().await;

        let job = ada.get(accepted.header("location")).await.json(200);
        assert_eq!(job["result"], json!({ "rows": 400, "imported": 400, "refused": 0 }), "{job}");
        let made: Vec<(String, String)> =
            sqlx::query_as("select title, description from tasks where owner_id = $1 order by id")
                .bind(ada.id)
                .fetch_all(&mut app.db().await)
                .await
                .unwrap();
        for ((title, description), row) in made.iter().zip(&rows) {
            assert_eq!((json!(title), json!(description)), (row["title"].clone(), row["description"].clone()));
        }
    }
}

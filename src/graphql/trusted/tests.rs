use super::*;

async fn load(manifest: serde_json::Value) -> Result<TrustedDocuments, String> {
    TrustedDocuments::load(&manifest.to_string(), TrustMode::Only).await
}

#[tokio::test]
async fn a_document_is_found_by_its_id_and_by_its_text() {
    let text = "query A { viewer { id } }";
    let trusted = load(serde_json::json!({ "a.1": text, "a.2": text })).await.unwrap();
    assert_eq!(trusted.count(), 1);
    for id in ["a.1", "a.2", &Hash::of(text).to_string()] {
        assert!(trusted.contains(&DocumentId::parse(id).unwrap()), "{id}");
    }
    for id in ["a", "A.1", &Hash::of("query A{ viewer { id } }").to_string()] {
        assert!(!trusted.contains(&DocumentId::parse(id).unwrap()), "{id}");
    }
}

#[tokio::test]
async fn the_document_at_fault_is_named() {
    let hash = "7dba4bd717b41f10434822356a93c32b1fb4907b983e854300ad839f84cdcd6e";
    for (manifest, told) in [
        (serde_json::json!({ "good": "{ viewer { id } }", "bad": "{ viewer { nothing } }" }), "the document \"bad\""),
        (serde_json::json!({ "bad": "{ viewer" }), "the document \"bad\""),
        (serde_json::json!({ "bomb": format!("{{{}}}", "a ".repeat(11)) }), "10 root fields"),
        (serde_json::json!({ "": "{ viewer { id } }" }), "\"\" is no id"),
        (serde_json::json!({ "sha256:short": "{ viewer { id } }" }), "is no id"),
        (
            serde_json::json!({ hash: "{ viewer { id } }", format!("sha256:{hash}"): "{ viewer { revision } }" }),
            "two documents have the id",
        ),
        (serde_json::json!({}), "no document"),
    ] {
        let reason = load(manifest.clone()).await.unwrap_err();
        assert!(reason.contains(told) && !reason.ends_with('.'), "{manifest}: {reason}");
    }
}

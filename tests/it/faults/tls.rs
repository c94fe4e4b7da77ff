//! TLS and SCRAM, against a PostgreSQL that has both.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use taskgate::database_url::DatabaseUrl;
use taskgate::store::migrate;

use crate::process::Service;
use crate::support::cluster::Cluster;

/// Who may come in how: the one by TLS, another without it, both with a password; a third by TLS without one.
const ACCESS: &str = "\
hostssl   all encrypted 127.0.0.1/32 scram-sha-256
hostnossl all plain     127.0.0.1/32 scram-sha-256
hostssl   all trusted   127.0.0.1/32 trust
host      all postgres  127.0.0.1/32 trust
";

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Gives the cluster a certificate for `name`, which was good in that year alone or still is.
fn certify(cluster: &Cluster, authority: &Authority, name: &str, year: Option<i32>) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    if let Some(year) = year {
        (params.not_before, params.not_after) = (date_time_ymd(year, 1, 1), date_time_ymd(year, 12, 31));
    }
    let certificate = params.signed_by(&key, authority).unwrap();
    for (file, text) in [("server.crt", certificate.pem()), ("server.key", key.serialize_pem())] {
        let path = cluster.data().join(file);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        // The server's own, whoever runs the test.
        let done = Command::new("chown").arg("--reference").arg(cluster.data()).arg(&path).status().unwrap();
        assert!(done.success());
    }
}

/// A cluster with TLS and passwords, whose certificate is for `localhost`.
async fn secure_cluster(authority: &Authority) -> Cluster {
    let mut cluster = Cluster::new();
    certify(&cluster, authority, "localhost", None);
    let settings = cluster.data().join("postgresql.conf");
    let text = fs::read_to_string(&settings).unwrap();
    fs::write(&settings, format!("{text}\nssl = on\npassword_encryption = 'scram-sha-256'\n")).unwrap();
    fs::write(cluster.data().join("pg_hba.conf"), ACCESS).unwrap();
    cluster.start().await;
    let (client, connection) = tokio_postgres::connect(&cluster.url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
        .batch_execute(
            "GRANT CREATE ON SCHEMA public TO PUBLIC; CREATE USER trusted;
             CREATE USER encrypted PASSWORD 'right'; CREATE USER plain PASSWORD 'right';",
        )
        .await
        .unwrap();
    cluster
}

fn write(folder: &Path, name: &str, authority: &Authority) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, authority.pem()).unwrap();
    path
}

/// Connects as a user with parameters of the URL; what went wrong, if anything did.
async fn connect(cluster: &Cluster, user: &str, parameters: &str) -> Result<(), String> {
    let url = format!("postgres://{user}:right@localhost:{}/postgres?{parameters}", cluster.port);
    let url = DatabaseUrl::parse(&format!("{url}&hostaddr=127.0.0.1")).unwrap();
    migrate::status(&url).await.map(drop).map_err(|error| error.to_string())
}

#[tokio::test]
async fn each_mode_checks_what_it_promises() {
    let (ours, others) = (authority("ours"), authority("another"));
    let cluster = secure_cluster(&ours).await;
    let folder = tempfile::tempdir().unwrap();
    let root = write(folder.path(), "root.pem", &ours).display().to_string();
    let other_root = write(folder.path(), "other.pem", &others).display().to_string();
    let with_root = |mode: &str| format!("sslmode={mode}&sslrootcert={root}");
    let with_other = |mode: &str| format!("sslmode={mode}&sslrootcert={other_root}");

    // Whether there is TLS is told by who is let in.
    for (user, parameters) in [
        ("plain", "sslmode=disable".to_owned()),
        ("encrypted", "sslmode=prefer".to_owned()),
        ("encrypted", "sslmode=require".to_owned()),
        ("encrypted", "sslmode=require&channel_binding=require".to_owned()),
        ("encrypted", with_root("require")),
        ("encrypted", with_root("verify-ca")),
        ("encrypted", with_root("verify-full")),
        ("encrypted", with_root("verify-full&channel_binding=require")),
        ("trusted", with_root("verify-full")),
    ] {
        assert_eq!(connect(&cluster, user, &parameters).await, Ok(()), "{user} {parameters}");
    }
    for (user, parameters, told) in [
        ("encrypted", "sslmode=disable".to_owned(), "no encryption"),
        ("plain", "sslmode=require".to_owned(), "SSL encryption"),
        ("encrypted", with_other("require"), "UnknownIssuer"),
        ("encrypted", with_other("verify-ca"), "UnknownIssuer"),
        ("encrypted", with_other("verify-full"), "UnknownIssuer"),
        // The system knows nothing of an authority that the test has made.
        ("encrypted", "sslmode=verify-full".to_owned(), "UnknownIssuer"),
        ("trusted", "sslmode=require&channel_binding=require".to_owned(), "channel binding"),
    ] {
        let error = connect(&cluster, user, &parameters).await.unwrap_err();
        assert!(error.starts_with("The database cannot be used") && error.contains(told), "{parameters}: {error}");
    }

    certify(&cluster, &ours, "db.example", None);
    take_up(&cluster, &with_root("verify-full"), "not valid for name").await;
    assert_eq!(connect(&cluster, "encrypted", &with_root("verify-ca")).await, Ok(()));
    certify(&cluster, &ours, "localhost", Some(2025));
    take_up(&cluster, &with_root("verify-full"), "expired").await;
    assert!(connect(&cluster, "encrypted", &with_root("verify-ca")).await.unwrap_err().contains("expired"));
    assert_eq!(connect(&cluster, "encrypted", "sslmode=require").await, Ok(()));

    a_wrong_password_ends_the_process(&cluster);
}

/// Has the server use its new certificate, and waits until it is refused for `reason`.
async fn take_up(cluster: &Cluster, parameters: &str, reason: &str) {
    cluster.reload();
    let begun = std::time::Instant::now();
    loop {
        match connect(cluster, "encrypted", parameters).await {
            Err(error) if error.contains(reason) => return,
            outcome => assert!(begun.elapsed().as_secs() < 20, "{outcome:?}"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

fn a_wrong_password_ends_the_process(cluster: &Cluster) {
    let url = format!("postgres://encrypted:wrong@localhost:{}/postgres?hostaddr=127.0.0.1", cluster.port);
    let output = Service::spawn(&url).wait_with_output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{log}");
    let sentence = log.lines().last().unwrap();
    assert!(sentence.contains("password authentication failed") && !log.contains("wrong"), "{log}");
}

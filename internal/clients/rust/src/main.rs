//! The cases (internal/clients/doc.go) with rskafka.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use chrono::{TimeZone, Utc};
use rskafka::client::partition::{Compression, OffsetAt, PartitionClient, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder};
use rskafka::record::Record;

type Outcome = Result<(), Box<dyn Error>>;

const LIMIT: Duration = Duration::from_secs(60);

fn name() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    format!("rskafka-{:x}", now.as_nanos())
}

fn values(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("value {i:03} of a batch that can be compressed")).collect()
}

fn expect<T: PartialEq + std::fmt::Debug>(got: T, want: T, what: &str) -> Outcome {
    if got == want { Ok(()) } else { Err(format!("{what}: {got:?}, not {want:?}").into()) }
}

async fn create(client: &Client, topic: &str) -> Result<PartitionClient, Box<dyn Error>> {
    client.controller_client()?.create_topic(topic, 2, 1, 10_000).await?;
    Ok(client.partition_client(topic, 0, UnknownTopicHandling::Retry).await?)
}

async fn write(partition: &PartitionClient, n: usize, compression: Compression) -> Outcome {
    let record = |v: String| Record {
        key: Some(b"key".to_vec()),
        value: Some(v.into_bytes()),
        headers: BTreeMap::from([("h".to_owned(), b"1".to_vec())]),
        timestamp: Utc.timestamp_millis_opt(Utc::now().timestamp_millis()).unwrap(),
    };
    partition.produce(values(n).into_iter().map(record).collect(), compression).await?;
    Ok(())
}

async fn round_trip(client: &Client, compression: Compression) -> Outcome {
    let partition = create(client, &name()).await?;
    write(&partition, 50, compression).await?;
    let mut got = Vec::new();
    while got.len() < 50 {
        let (records, _) = partition.fetch_records(got.len() as i64, 1..1_000_000, 1_000).await?;
        got.extend(records.into_iter().map(|r| String::from_utf8(r.record.value.unwrap()).unwrap()));
    }
    expect(got, values(50), "values")
}

async fn topics(client: &Client) -> Outcome {
    let topic = name();
    create(client, &topic).await?;
    let listed = client.list_topics().await?;
    let partitions = listed.iter().find(|t| t.name == topic).map(|t| t.partitions.len());
    expect(partitions, Some(2), "partitions")?;
    client.controller_client()?.delete_topic(&topic, 10_000).await?;
    while client.list_topics().await?.iter().any(|t| t.name == topic) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

async fn offsets(client: &Client) -> Outcome {
    let partition = create(client, &name()).await?;
    write(&partition, 7, Compression::NoCompression).await?;
    expect(partition.get_offset(OffsetAt::Earliest).await?, 0, "first offset")?;
    expect(partition.get_offset(OffsetAt::Latest).await?, 7, "last offset")?;
    let then = Utc.timestamp_millis_opt(1).unwrap();
    expect(partition.get_offset(OffsetAt::Timestamp(then)).await?, 0, "offset by time")?;
    partition.delete_records(3, 10_000).await?;
    expect(partition.get_offset(OffsetAt::Earliest).await?, 3, "first offset")
}

async fn report(name: &str, case: impl Future<Output = Outcome>) {
    match tokio::time::timeout(LIMIT, case).await {
        Ok(Ok(())) => println!("ok {name}"),
        Ok(Err(e)) => println!("failed {name}: {}", e.to_string().replace('\n', " ")),
        Err(_) => println!("failed {name}: no end after its limit"),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    println!("version 0.6.0");
    let brokers = std::env::var("BROKERS")?.split(',').map(str::to_owned).collect();
    let client = ClientBuilder::new(brokers).build().await?;
    report("produce", round_trip(&client, Compression::NoCompression)).await;
    println!("absent idempotent: writes without a producer id");
    report("gzip", round_trip(&client, Compression::Gzip)).await;
    report("snappy", round_trip(&client, Compression::Snappy)).await;
    report("lz4", round_trip(&client, Compression::Lz4)).await;
    report("zstd", round_trip(&client, Compression::Zstd)).await;
    println!("absent group: has no groups");
    println!("absent transactions: has none");
    report("topics", topics(&client)).await;
    report("offsets", offsets(&client)).await;
    println!("absent groups: has no groups");
    println!("absent sasl: not tried; its TLS is a feature that this program is built without");
    Ok(())
}

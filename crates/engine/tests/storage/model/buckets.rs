//! Steps on buckets.

use parbuckle_engine::{BucketChange, BucketFields};
use parbuckle_model::{PublicAccess, Versioning};

use super::super::support::listing::{limit, walk_pages};
use super::super::support::new_bucket;
use super::history::RefBucket;
use super::program::{BUCKETS, Change, Condition, Who};
use super::reference::{Act, Holder, read_refusal, write_refusal};
use super::run::{Run, Verdict, agree, preconditions, same};

impl Run {
    pub(super) async fn create_bucket(
        &mut self,
        who: Who,
        b: usize,
        public: PublicAccess,
        versioning: Versioning,
    ) -> Verdict {
        let (holder, name) = (self.holder(who), BUCKETS[b]);
        let mut new = new_bucket(&self.world, name);
        (new.public_access, new.versioning) = (public, versioning);
        let expected = match holder {
            _ if versioning == Versioning::Suspended => Err("InvalidParameter"),
            Holder::Admin if self.reference.buckets.contains_key(name) => {
                Err("BucketAlreadyExists")
            }
            Holder::Admin => Ok(()),
            _ => Err("NamespaceNotFound"),
        };
        let (caller, namespace) = (self.caller(holder).await, self.world.namespace.clone());
        let got = self.world.engine.create_bucket(&caller, &namespace, new);
        let Some(((), made)) = same(expected, got.await)? else {
            return Ok(());
        };
        agree!(made.public_access, public, "public access");
        agree!(made.time_created, self.now(), "time");
        agree!(made.versioning, versioning, "versioning");
        let bucket = RefBucket::new(made.etag, public, versioning);
        self.reference.buckets.insert(name.to_owned(), bucket);
        Ok(())
    }

    pub(super) async fn update_bucket(
        &mut self,
        who: Who,
        b: usize,
        change: Change,
        condition: Condition,
    ) -> Verdict {
        let (holder, name) = (self.holder(who), BUCKETS[b]);
        let etag = self.reference.buckets.get(name).map(|bucket| bucket.etag);
        let expected = self
            .judge(holder, name, Act::Manage)
            .and_then(|()| write_refusal(condition, true))
            .and_then(|()| self.reference.changeable(name, change.versioning));
        let asked = BucketChange {
            public_access: change.public,
            versioning: change.versioning,
            ..BucketChange::default()
        };
        let (caller, path) = (self.caller(holder).await, self.world.bucket(name));
        let preconditions = preconditions(condition, etag);
        let engine = &self.world.engine;
        let got = engine.update_bucket(&caller, &path, asked, &preconditions);
        let Some(((), changed)) = same(expected, got.await)? else {
            return Ok(());
        };
        let bucket = self.reference.buckets.get_mut(name).unwrap();
        bucket.public = change.public.unwrap_or(bucket.public);
        bucket.versioning = change.versioning.unwrap_or(bucket.versioning);
        agree!(changed.versioning, bucket.versioning, "versioning");
        agree!(changed.public_access, bucket.public, "public access");
        agree!(changed.etag == bucket.etag, false, "etag stays the same");
        bucket.etag = changed.etag;
        Ok(())
    }

    pub(super) async fn read_bucket(
        &mut self,
        who: Who,
        b: usize,
        condition: Condition,
    ) -> Verdict {
        let (holder, name) = (self.holder(who), BUCKETS[b]);
        let bucket = self.reference.buckets.get(name);
        let expected = self
            .judge(holder, name, Act::Manage)
            .and_then(|()| read_refusal(condition));
        let preconditions = preconditions(condition, bucket.map(|bucket| bucket.etag));
        let (caller, path) = (self.caller(holder).await, self.world.bucket(name));
        let fields = BucketFields {
            count: true,
            size: true,
        };
        let engine = &self.world.engine;
        let got = engine.bucket(&caller, &path, fields, &preconditions).await;
        let head = engine.head_bucket(&caller, &path, &preconditions).await;
        same(expected, head)?;
        let (Some(((), got)), Some(bucket)) = (same(expected, got)?, bucket) else {
            return Ok(());
        };
        let (count, size) = bucket.counts();
        agree!(got.approximate_count, Some(count), "count");
        agree!(got.approximate_size, Some(size), "size");
        agree!(got.versioning, bucket.versioning, "versioning");
        agree!(got.etag, bucket.etag, "etag");
        agree!(got.public_access, bucket.public, "public access");
        Ok(())
    }

    pub(super) async fn delete_bucket(
        &mut self,
        who: Who,
        b: usize,
        condition: Condition,
    ) -> Verdict {
        let (holder, name) = (self.holder(who), BUCKETS[b]);
        let etag = self.reference.buckets.get(name).map(|bucket| bucket.etag);
        let expected = self
            .judge(holder, name, Act::Manage)
            .and_then(|()| write_refusal(condition, true))
            .and_then(|()| self.reference.deletable(name));
        let (caller, path) = (self.caller(holder).await, self.world.bucket(name));
        let preconditions = preconditions(condition, etag);
        let got = self
            .world
            .engine
            .delete_bucket(&caller, &path, &preconditions);
        if same(expected, got.await)?.is_some() {
            self.reference.drop_bucket(name);
        }
        Ok(())
    }

    pub(super) async fn list_buckets(&mut self, page_limit: usize) -> Verdict {
        let (world, limit) = (&self.world, limit(page_limit));
        let got = walk_pages(limit, async |page| {
            let (namespace, compartment) = (&world.namespace, &world.compartment);
            let engine = &world.engine;
            engine
                .buckets(&world.admin, namespace, compartment, page, limit)
                .await
        });
        let Some(((), got)) = same(Ok(()), got.await)? else {
            return Ok(());
        };
        let got: Vec<&str> = got.iter().map(|bucket| bucket.name.as_str()).collect();
        let expected: Vec<&str> = self.reference.buckets.keys().map(String::as_str).collect();
        agree!(got, expected, "buckets");
        Ok(())
    }
}

//! Steps on PARs.

use jiff::SignedDuration;
use parbuckle_engine::NewPar;
use parbuckle_model::{Expiry, ObjectName, ParScope, ParTarget};

use super::super::support::listing::{limit, walk_pages};
use super::program::{BUCKETS, NEVER, ParPlan, Who};
use super::reference::{Act, Kind, RefPar};
use super::run::{Run, Verdict, agree, same, youngest};

impl Run {
    pub(super) async fn create_par(&mut self, who: Who, plan: &ParPlan) -> Verdict {
        let (holder, name) = (self.holder(who), BUCKETS[plan.bucket]);
        let single = plan.access.is_single_object();
        let object = if single {
            &self.names[plan.object]
        } else {
            plan.prefix
        };
        let listing = plan.listing.filter(|_| !single);
        let scope = ParScope::new(plan.access, Some(object), listing).unwrap();
        let time_expires = match plan.expires_in_secs {
            NEVER => Expiry::parse("9999-12-31T23:59:59Z").unwrap(),
            secs => Expiry::from(self.now() + SignedDuration::from_secs(secs)),
        };
        let new = NewPar {
            name: format!("par {}", self.step),
            scope: scope.clone(),
            time_expires,
        };
        let expected = if plan.expires_in_secs <= 0 {
            Err("InvalidExpiry")
        } else {
            self.judge(holder, name, Act::Manage)
        };
        let (caller, path) = (self.caller(holder).await, self.world.bucket(name));
        let got = self.world.engine.create_par(&caller, &path, new.clone());
        let Some(((), made)) = same(expected, got.await)? else {
            return Ok(());
        };
        agree!(made.par.name, new.name, "name");
        agree!(made.par.scope, scope, "scope");
        agree!(made.par.time_created, self.now(), "time of creation");
        agree!(made.par.time_expires, new.time_expires, "expiry");
        agree!(made.token.expose().len(), 64, "length of the token");
        self.reference.pars.push(RefPar {
            bucket: name.to_owned(),
            par: made.par,
            token: made.token.expose().clone(),
            deleted: false,
        });
        Ok(())
    }

    pub(super) async fn get_par(&mut self, who: Who, par: usize, with_suffix: bool) -> Verdict {
        let Some(par) = youngest(par, self.reference.pars.len()) else {
            return Ok(());
        };
        let (holder, par) = (self.holder(who), &self.reference.pars[par]);
        let suffix = match par.par.scope.target() {
            ParTarget::Object(object) => Some(object.clone()),
            // Only object PARs have a suffix: any other is a foreign one.
            ParTarget::Prefix(_) | ParTarget::Bucket => Some(ObjectName::parse(b"x").unwrap()),
        };
        let suffix = suffix.filter(|_| with_suffix);
        let foreign_suffix = with_suffix && !par.par.scope.access().is_single_object();
        let expected = self
            .judge(holder, &par.bucket, Act::Manage)
            .and(found_unless(par.deleted || foreign_suffix));
        let (caller, path) = (self.caller(holder).await, self.world.bucket(&par.bucket));
        let engine = &self.world.engine;
        let got = engine.par(&caller, &path, &par.par.id, suffix.as_ref());
        if let Some(((), got)) = same(expected, got.await)? {
            agree!(got, par.par, "the PAR");
        }
        Ok(())
    }

    pub(super) async fn list_pars(
        &mut self,
        who: Who,
        b: usize,
        prefix: Option<&'static str>,
        page: usize,
    ) -> Verdict {
        let (holder, name, limit) = (self.holder(who), BUCKETS[b], limit(page));
        let expected = self.judge(holder, name, Act::Manage);
        let (caller, path) = (self.caller(holder).await, self.world.bucket(name));
        let engine = &self.world.engine;
        let got = walk_pages(limit, async |page| {
            engine.pars(&caller, &path, prefix, page, limit).await
        });
        let Some(((), got)) = same(expected, got.await)? else {
            return Ok(());
        };
        let mut expected = self.reference.pars_of(name);
        expected.retain(|par| {
            let name = par.scope.object_name();
            prefix.is_none_or(|prefix| name.is_some_and(|name| name.starts_with(prefix)))
        });
        agree!(got, expected, "PARs");
        Ok(())
    }

    pub(super) async fn delete_par(&mut self, who: Who, par: usize) -> Verdict {
        let Some(par) = youngest(par, self.reference.pars.len()) else {
            return Ok(());
        };
        let (holder, found) = (self.holder(who), &self.reference.pars[par]);
        let expected = self
            .judge(holder, &found.bucket, Act::Manage)
            .and(found_unless(found.deleted));
        let (caller, path) = (self.caller(holder).await, self.world.bucket(&found.bucket));
        let engine = &self.world.engine;
        let got = engine.delete_par(&caller, &path, &found.par.id, None).await;
        if same(expected, got)?.is_some() {
            self.reference.pars[par].deleted = true;
        }
        Ok(())
    }
}

fn found_unless(missing: bool) -> Result<(), Kind> {
    if missing {
        return Err("ParNotFound");
    }
    Ok(())
}

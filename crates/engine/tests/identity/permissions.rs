//! Every operation succeeds with just the permissions of wire reference 12.3, and fails when one of them is missing.

use parbuckle_engine::{
    AccessLevel, Caller, MembershipFilter, NewDynamicGroup, SecretKind, User, WorkRequest,
};
use parbuckle_iam::permission::Permission;
use parbuckle_model::{Ocid, PageLimit};

use crate::world::{ALWAYS, World, key, outcome};

const TOKEN: SecretKind = SecretKind::AuthToken;
const SECRET_KEY: SecretKind = SecretKind::CustomerSecretKey;

/// Operations and what each needs. Where the reference gives nothing (domains, places, work requests), the choice of the
/// `iam` crate.
const TABLE: &[(&str, &str)] = &[
    ("CreateUser", "USER_CREATE"),
    ("ListUsers", "USER_INSPECT"),
    ("GetUser", "USER_INSPECT"),
    ("UpdateUser", "USER_UPDATE"),
    ("UpdateUserState", "USER_UPDATE USER_UNBLOCK"),
    ("UpdateUserCapabilities", "USER_UPDATE"),
    ("DeleteUser", "USER_DELETE"),
    ("CreateUIPassword", "USER_UPDATE USER_UIPASS_SET"),
    ("ResetUIPassword", "USER_UPDATE USER_UIPASS_RESET"),
    ("GetUserUIPasswordInformation", "USER_READ"),
    ("UploadApiKey", "USER_UPDATE USER_APIKEY_ADD"),
    ("ListApiKeys", "USER_READ"),
    ("DeleteApiKey", "USER_UPDATE USER_APIKEY_REMOVE"),
    ("CreateAuthToken", "USER_UPDATE USER_AUTHTOKEN_SET"),
    ("ListAuthTokens", "USER_READ"),
    ("UpdateAuthToken", "USER_UPDATE USER_AUTHTOKEN_RESET"),
    ("DeleteAuthToken", "USER_UPDATE USER_AUTHTOKEN_REMOVE"),
    ("CreateCustomerSecretKey", "USER_UPDATE USER_SECRETKEY_ADD"),
    ("ListCustomerSecretKeys", "USER_READ"),
    (
        "UpdateCustomerSecretKey",
        "USER_UPDATE USER_SECRETKEY_UPDATE",
    ),
    (
        "DeleteCustomerSecretKey",
        "USER_UPDATE USER_SECRETKEY_REMOVE",
    ),
    ("CreateGroup", "GROUP_CREATE"),
    ("ListGroups", "GROUP_INSPECT"),
    ("GetGroup", "GROUP_INSPECT"),
    ("UpdateGroup", "GROUP_UPDATE"),
    ("DeleteGroup", "GROUP_DELETE"),
    ("AddUserToGroup", "GROUP_UPDATE USER_UPDATE"),
    ("RemoveUserFromGroup", "GROUP_UPDATE USER_UPDATE"),
    ("ListUserGroupMemberships", "GROUP_INSPECT USER_INSPECT"),
    ("GetUserGroupMembership", "GROUP_INSPECT USER_INSPECT"),
    ("CreatePolicy", "POLICY_CREATE"),
    ("ListPolicies", "POLICY_READ"),
    ("GetPolicy", "POLICY_READ"),
    ("UpdatePolicy", "POLICY_UPDATE"),
    ("DeletePolicy", "POLICY_DELETE"),
    ("CreateCompartment", "COMPARTMENT_CREATE"),
    ("ListCompartments", "COMPARTMENT_INSPECT"),
    ("GetCompartment", "COMPARTMENT_INSPECT"),
    ("UpdateCompartment", "COMPARTMENT_UPDATE"),
    ("DeleteCompartment", "COMPARTMENT_DELETE"),
    ("RecoverCompartment", "COMPARTMENT_RECOVER"),
    ("CreateDynamicGroup", "DYNAMIC_GROUP_CREATE"),
    ("ListDynamicGroups", "DYNAMIC_GROUP_INSPECT"),
    ("GetDynamicGroup", "DYNAMIC_GROUP_INSPECT"),
    ("UpdateDynamicGroup", "DYNAMIC_GROUP_UPDATE"),
    ("DeleteDynamicGroup", "DYNAMIC_GROUP_DELETE"),
    ("GetTenancy", "TENANCY_INSPECT"),
    ("EnableDenyStatements", "TENANCY_UPDATE"),
    ("ListRegionSubscriptions", "TENANCY_INSPECT"),
    ("ListAvailabilityDomains", "COMPARTMENT_INSPECT"),
    ("ListFaultDomains", "COMPARTMENT_INSPECT"),
    ("ListDomains", "COMPARTMENT_INSPECT"),
    ("GetDomain", "COMPARTMENT_INSPECT"),
    ("ListWorkRequests", "COMPARTMENT_INSPECT"),
    ("GetWorkRequest", "COMPARTMENT_INSPECT"),
];

#[tokio::test]
async fn every_operation_needs_each_of_its_permissions_and_no_other() {
    for (operation, needed) in TABLE {
        let needed: Vec<Permission> = needed
            .split(' ')
            .map(|name| Permission::parse(name).unwrap())
            .collect();
        let world = World::new().await;
        let stage = Stage::set(&world).await;
        for missing in &needed {
            let others: Vec<Permission> = all().filter(|one| one != missing).collect();
            stage.give(&world, &others).await;
            let told = stage.perform(&world, operation).await;
            assert_eq!(
                told, "NotAuthorizedOrNotFound",
                "{operation} without {missing}"
            );
        }
        stage.give(&world, &needed).await;
        assert_eq!(stage.perform(&world, operation).await, "ok", "{operation}");
    }
}

#[tokio::test]
async fn moving_a_compartment_needs_every_permission() {
    let world = World::new().await;
    let stage = Stage::set(&world).await;
    for missing in all() {
        let others: Vec<Permission> = all().filter(|one| *one != missing).collect();
        stage.give(&world, &others).await;
        let told = stage.perform(&world, "MoveCompartment").await;
        assert_eq!(told, "NotAuthorizedOrNotFound", "without {missing}");
    }
    stage.give(&world, &all().collect::<Vec<_>>()).await;
    assert_eq!(stage.perform(&world, "MoveCompartment").await, "ok");
}

fn all() -> impl Iterator<Item = Permission> {
    Permission::ALL.iter().copied()
}

/// A worker, and everything that he may work on.
struct Stage {
    worker: Caller,
    policy_of_worker: parbuckle_engine::Policy,
    bob: User,
    /// Without a password.
    eve: User,
    token: String,
    secret_key: String,
    group: Ocid,
    membership: Ocid,
    policy: Ocid,
    compartment: Ocid,
    other_compartment: Ocid,
    deleted_compartment: Ocid,
    dynamic_group: Ocid,
    work: WorkRequest,
}

impl Stage {
    async fn set(world: &World) -> Self {
        let (engine, admin) = (&world.engine, &world.admin);
        let (_, worker, policy_of_worker) =
            world.worker("worker", "to read buckets in tenancy").await;
        let (bob, eve) = (world.user("bob").await, world.user("eve").await);
        let id = &bob.entity.id;
        engine
            .upload_api_key(admin, id, &key().public_key().to_pem(), None)
            .await
            .unwrap();
        engine.create_or_reset_password(admin, id).await.unwrap();
        let token = engine
            .create_user_secret(admin, TOKEN, id, "x", None)
            .await
            .unwrap();
        let secret_key = engine
            .create_user_secret(admin, SECRET_KEY, id, "x", None)
            .await
            .unwrap();
        let group = world.group("readers").await.entity.id;
        let membership = world.join(&bob, &group).await;
        let policy = world
            .policy("p", &["Allow group readers to read buckets in tenancy"])
            .await;
        let compartment = new_compartment(world, "dev").await;
        let deleted_compartment = new_compartment(world, "gone").await;
        let work = engine
            .delete_compartment(admin, &deleted_compartment, &ALWAYS)
            .await
            .unwrap();
        let rule = NewDynamicGroup {
            details: world.details("machines"),
            matching_rule: "instance.id = 'x'".to_owned(),
        };
        Self {
            dynamic_group: engine
                .create_dynamic_group(admin, rule, None)
                .await
                .unwrap()
                .entity
                .id,
            work: engine.identity_work_request(admin, &work).await.unwrap(),
            other_compartment: new_compartment(world, "other").await,
            token: token.info.id,
            secret_key: secret_key.info.id,
            policy: policy.entity.id,
            worker,
            policy_of_worker,
            bob,
            eve,
            group,
            membership,
            compartment,
            deleted_compartment,
        }
    }

    /// Gives the worker these permissions and no other.
    async fn give(&self, world: &World, permissions: &[Permission]) {
        let names: Vec<&str> = permissions.iter().map(|one| one.as_str()).collect();
        let statement = format!(
            "Allow group worker-group to {{{}}} in tenancy",
            names.join(", ")
        );
        world.rewrite(&self.policy_of_worker, &[&statement]).await;
    }

    async fn perform(&self, world: &World, operation: &str) -> String {
        if let Some(told) = self.perform_on_users(world, operation).await {
            return told;
        }
        if let Some(told) = self.perform_on_secrets(world, operation).await {
            return told;
        }
        if let Some(told) = self.perform_on_groups(world, operation).await {
            return told;
        }
        if let Some(told) = self
            .perform_on_policies_and_compartments(world, operation)
            .await
        {
            return told;
        }
        self.perform_on_places(world, operation).await
    }

    async fn perform_on_users(&self, world: &World, operation: &str) -> Option<String> {
        let engine = &*world.engine;
        let (me, root, id) = (&self.worker, &world.root, &self.bob.entity.id);
        let page = Default::default();
        let fingerprint = key().public_key().fingerprint().to_string();
        Some(match operation {
            "CreateUser" => outcome(engine.create_user(me, world.new_user("new"), None).await),
            "ListUsers" => outcome(engine.users(me, root, &Default::default(), &page).await),
            "GetUser" => outcome(engine.user(me, id).await),
            "UpdateUser" => outcome(
                engine
                    .update_user(me, id, Default::default(), &ALWAYS)
                    .await,
            ),
            "UpdateUserState" => outcome(engine.update_user_state(me, id, true, &ALWAYS).await),
            "UpdateUserCapabilities" => {
                let change = Default::default();
                outcome(
                    engine
                        .update_user_capabilities(me, id, change, &ALWAYS)
                        .await,
                )
            }
            "DeleteUser" => outcome(engine.delete_user(me, id, &ALWAYS).await),
            "CreateUIPassword" => outcome(
                engine
                    .create_or_reset_password(me, &self.eve.entity.id)
                    .await,
            ),
            "ResetUIPassword" => outcome(engine.create_or_reset_password(me, id).await),
            "GetUserUIPasswordInformation" => outcome(engine.password_info(me, id).await),
            "UploadApiKey" => {
                let pem = key().public_key().to_pem();
                outcome(
                    engine
                        .upload_api_key(me, &self.eve.entity.id, &pem, None)
                        .await,
                )
            }
            "ListApiKeys" => outcome(engine.api_keys(me, id).await),
            "DeleteApiKey" => outcome(engine.delete_api_key(me, id, &fingerprint).await),
            _ => return None,
        })
    }

    async fn perform_on_secrets(&self, world: &World, operation: &str) -> Option<String> {
        let (engine, me, id) = (&*world.engine, &self.worker, &self.bob.entity.id);
        Some(match operation {
            "CreateAuthToken" => outcome(engine.create_user_secret(me, TOKEN, id, "x", None).await),
            "ListAuthTokens" => outcome(engine.user_secrets(me, TOKEN, id).await),
            "UpdateAuthToken" => outcome(
                engine
                    .update_user_secret(me, TOKEN, id, &self.token, Some("y"), &ALWAYS)
                    .await,
            ),
            "DeleteAuthToken" => outcome(
                engine
                    .delete_user_secret(me, TOKEN, id, &self.token, &ALWAYS)
                    .await,
            ),
            "CreateCustomerSecretKey" => outcome(
                engine
                    .create_user_secret(me, SECRET_KEY, id, "x", None)
                    .await,
            ),
            "ListCustomerSecretKeys" => outcome(engine.user_secrets(me, SECRET_KEY, id).await),
            "UpdateCustomerSecretKey" => outcome(
                engine
                    .update_user_secret(me, SECRET_KEY, id, &self.secret_key, Some("y"), &ALWAYS)
                    .await,
            ),
            "DeleteCustomerSecretKey" => outcome(
                engine
                    .delete_user_secret(me, SECRET_KEY, id, &self.secret_key, &ALWAYS)
                    .await,
            ),
            _ => return None,
        })
    }

    async fn perform_on_groups(&self, world: &World, operation: &str) -> Option<String> {
        let engine = &*world.engine;
        let (me, root, id) = (&self.worker, &world.root, &self.group);
        let (page, change) = (Default::default(), Default::default());
        let dynamic = &self.dynamic_group;
        Some(match operation {
            "CreateGroup" => outcome(engine.create_group(me, world.details("new"), None).await),
            "ListGroups" => outcome(engine.groups(me, root, &page).await),
            "GetGroup" => outcome(engine.group(me, id).await),
            "UpdateGroup" => outcome(engine.update_group(me, id, change, &ALWAYS).await),
            "DeleteGroup" => outcome(engine.delete_group(me, id, &ALWAYS).await),
            "AddUserToGroup" => outcome(
                engine
                    .add_user_to_group(me, &self.eve.entity.id, id, None)
                    .await,
            ),
            "RemoveUserFromGroup" => {
                outcome(engine.remove_user_from_group(me, &self.membership).await)
            }
            "ListUserGroupMemberships" => {
                let (filter, limit) = (MembershipFilter::default(), PageLimit::default());
                outcome(engine.memberships(me, root, &filter, None, limit).await)
            }
            "GetUserGroupMembership" => outcome(engine.membership(me, &self.membership).await),
            "CreateDynamicGroup" => {
                let new = NewDynamicGroup {
                    details: world.details("new"),
                    matching_rule: "instance.id = 'x'".to_owned(),
                };
                outcome(engine.create_dynamic_group(me, new, None).await)
            }
            "ListDynamicGroups" => outcome(engine.dynamic_groups(me, root, &page).await),
            "GetDynamicGroup" => outcome(engine.dynamic_group(me, dynamic).await),
            "UpdateDynamicGroup" => {
                let change = Default::default();
                outcome(
                    engine
                        .update_dynamic_group(me, dynamic, change, &ALWAYS)
                        .await,
                )
            }
            "DeleteDynamicGroup" => {
                outcome(engine.delete_dynamic_group(me, dynamic, &ALWAYS).await)
            }
            _ => return None,
        })
    }

    async fn perform_on_policies_and_compartments(
        &self,
        world: &World,
        operation: &str,
    ) -> Option<String> {
        let (engine, me, root) = (&*world.engine, &self.worker, &world.root);
        let (policy, compartment) = (&self.policy, &self.compartment);
        let page = Default::default();
        Some(match operation {
            "CreatePolicy" => {
                let new = world.new_policy("new", &["Allow any-user to read buckets in tenancy"]);
                outcome(engine.create_policy(me, new, None).await)
            }
            "ListPolicies" => outcome(engine.policies(me, root, &page).await),
            "GetPolicy" => outcome(engine.policy(me, policy).await),
            "UpdatePolicy" => outcome(
                engine
                    .update_policy(me, policy, Default::default(), &ALWAYS)
                    .await,
            ),
            "DeletePolicy" => outcome(engine.delete_policy(me, policy, &ALWAYS).await),
            "CreateCompartment" => outcome(
                engine
                    .create_compartment(me, world.details("new"), None)
                    .await,
            ),
            "ListCompartments" => {
                let level = AccessLevel::Any;
                outcome(engine.compartments(me, root, false, level, &page).await)
            }
            "GetCompartment" => outcome(engine.compartment(me, compartment).await),
            "UpdateCompartment" => {
                let change = Default::default();
                outcome(
                    engine
                        .update_compartment(me, compartment, change, &ALWAYS)
                        .await,
                )
            }
            "DeleteCompartment" => {
                outcome(engine.delete_compartment(me, compartment, &ALWAYS).await)
            }
            "RecoverCompartment" => {
                let deleted = &self.deleted_compartment;
                outcome(engine.recover_compartment(me, deleted, &ALWAYS).await)
            }
            "MoveCompartment" => {
                let to = &self.other_compartment;
                outcome(
                    engine
                        .move_compartment(me, compartment, to, &ALWAYS, None)
                        .await,
                )
            }
            _ => return None,
        })
    }

    async fn perform_on_places(&self, world: &World, operation: &str) -> String {
        let (engine, me, root) = (&*world.engine, &self.worker, &world.root);
        match operation {
            "GetTenancy" => outcome(engine.tenancy(me, root).await),
            "EnableDenyStatements" => outcome(engine.enable_deny_statements(me, root).await),
            "ListRegionSubscriptions" => outcome(engine.region_subscriptions(me, root).await),
            "ListAvailabilityDomains" => outcome(engine.availability_domains(me, root).await),
            "ListFaultDomains" => {
                let within = engine
                    .availability_domains(&world.admin, root)
                    .await
                    .unwrap();
                outcome(engine.fault_domains(me, root, &within[0].name).await)
            }
            "ListDomains" => outcome(engine.identity_domains(me, root).await),
            "GetDomain" => {
                let there = engine.identity_domains(&world.admin, root).await.unwrap();
                outcome(engine.identity_domain(me, &there[0].id).await)
            }
            "ListWorkRequests" => {
                let limit = PageLimit::default();
                outcome(
                    engine
                        .identity_work_requests(me, root, None, None, limit)
                        .await,
                )
            }
            "GetWorkRequest" => outcome(engine.identity_work_request(me, &self.work.id).await),
            other => panic!("no such operation: {other}"),
        }
    }
}

async fn new_compartment(world: &World, name: &str) -> Ocid {
    let made = world
        .engine
        .create_compartment(&world.admin, world.details(name), None)
        .await;
    made.unwrap().entity.id
}

"""The Identity API as the Python SDK's IdentityClient sees it (wire reference section 13)."""

import os
import sys
from datetime import date, datetime

import oci
from oci.identity import IdentityClient
from oci.identity import models as m

from common import COMPARTMENT as ROOT
from common import ENDPOINT, equal, refused

HIDDEN = "Authorization failed or requested resource not found."


def common(name, **fields):
    return {"compartment_id": ROOT, "name": name, "description": "made by a test", **fields}


def make_user(client, name="alice", **fields):
    return client.create_user(m.CreateUserDetails(**common(name, **fields))).data


def make_group(client, name="readers"):
    return client.create_group(m.CreateGroupDetails(**common(name))).data


def a_users_life(client):
    made = client.create_user(
        m.CreateUserDetails(
            **common("alice", email="a@example.com", freeform_tags={"a": "b"}),
            defined_tags={"ops": {"cost": "42"}},
        )
    )
    user = made.data
    equal((user.lifecycle_state, user.email), ("ACTIVE", "a@example.com"))
    equal((user.freeform_tags, user.defined_tags), ({"a": "b"}, {"ops": {"cost": "42"}}))
    equal(user.is_mfa_activated, False)
    if not isinstance(user.time_created, datetime):
        raise AssertionError("timeCreated is no date")
    equal(client.get_user(user.id).headers["etag"], made.headers["etag"])
    changed = client.update_user(user.id, m.UpdateUserDetails(description="other")).data
    equal((changed.description, changed.email), ("other", "a@example.com"))
    client.delete_user(user.id)
    refused(lambda: client.get_user(user.id), 404, "NotAuthorizedOrNotFound", HIDDEN)


def a_name_is_taken_once(client):
    make_user(client)
    refused(lambda: make_user(client), 409, "UserAlreadyExists", "User 'alice' already exists")
    make_group(client)
    refused(lambda: make_group(client), 409, "GroupAlreadyExists")


def if_match_guards_a_change(client):
    user = make_user(client)
    details = m.UpdateUserDetails(description="other")
    call = lambda etag: client.update_user(user.id, details, if_match=etag)
    refused(lambda: call("00000000-0000-4000-8000-000000000000"), 412, "NoEtagMatch")
    etag = client.get_user(user.id).headers["etag"]
    after = call(etag).headers["etag"]
    refused(lambda: call(etag), 412, "NoEtagMatch")
    refused(lambda: client.delete_user(user.id, if_match=etag), 412, "NoEtagMatch")
    client.delete_user(user.id, if_match=after)


def a_retry_token_makes_one_user(client):
    details = m.CreateUserDetails(**common("alice"))
    first = client.create_user(details, opc_retry_token="t1").data
    equal(client.create_user(details, opc_retry_token="t1").data.id, first.id)
    other = m.CreateUserDetails(**common("bob"))
    again = lambda: client.create_user(other, opc_retry_token="t1")
    refused(again, 409, "InvalidatedRetryToken")


def capabilities_have_two_spellings(client):
    user = make_user(client)
    details = m.UpdateUserCapabilitiesDetails(
        can_use_db_credentials=False,
        can_use_api_keys=False,
        can_use_o_auth2_client_credentials=False,
    )
    has = client.update_user_capabilities(user.id, details).data.capabilities
    equal((has.can_use_db_credentials, has.can_use_api_keys), (False, False))
    equal(has.can_use_o_auth2_client_credentials, False)
    equal((has.can_use_auth_tokens, has.can_use_console_password), (True, True))


def a_blocked_user_is_inactive(client):
    user = make_user(client)
    blocked = client.update_user_state(user.id, m.UpdateStateDetails(blocked=True)).data
    equal((blocked.lifecycle_state, blocked.inactive_status), ("INACTIVE", 4))
    free = client.update_user_state(user.id, m.UpdateStateDetails(blocked=False)).data
    equal((free.lifecycle_state, free.inactive_status), ("ACTIVE", None))


def a_federated_user_carries_his_provider(client):
    # A provisioning connector sends two fields that the SDK's model does not have.
    details = m.CreateUserDetails(**common("idp/ann@example.com"))
    for field, name, value in [
        ("identity_provider_id", "identityProviderId", "ocid1.saml2idp.oc1..x"),
        ("external_identifier", "externalIdentifier", "ann@example.com"),
    ]:
        details.swagger_types[field] = "str"
        details.attribute_map[field] = name
        setattr(details, field, value)
    made = client.create_user(details).data
    equal(made.identity_provider_id, "ocid1.saml2idp.oc1..x")
    equal(made.capabilities.can_use_console_password, False)
    found = client.list_users(ROOT, external_identifier="ann@example.com").data
    equal([user.id for user in found], [made.id])


def credentials_are_shown_once(client):
    user = make_user(client)
    token = client.create_auth_token(m.CreateAuthTokenDetails(description="d"), user.id).data
    key = client.create_customer_secret_key(
        m.CreateCustomerSecretKeyDetails(display_name="d"), user.id
    ).data
    password = client.create_or_reset_ui_password(user.id).data
    equal(all([token.token, key.key, password.password]), True, "secrets")
    equal(client.list_auth_tokens(user.id).data[0].token, None)
    equal(client.list_customer_secret_keys(user.id).data[0].id, key.id)
    equal(client.get_user_ui_password_information(user.id).data.user_id, user.id)
    client.update_auth_token(user.id, token.id, m.UpdateAuthTokenDetails(description="e"))
    equal(client.list_auth_tokens(user.id).data[0].description, "e")
    client.delete_auth_token(user.id, token.id)
    client.delete_customer_secret_key(user.id, key.id)
    equal(client.list_auth_tokens(user.id).data, [])


def a_membership_comes_and_goes(client):
    user, group = make_user(client), make_group(client)
    details = m.AddUserToGroupDetails(user_id=user.id, group_id=group.id)
    made = client.add_user_to_group(details).data
    equal((made.user_id, made.group_id), (user.id, group.id))
    found = client.list_user_group_memberships(ROOT, user_id=user.id, group_id=group.id).data
    equal([one.id for one in found], [made.id])
    equal(client.get_user_group_membership(made.id).data.id, made.id)
    client.remove_user_from_group(made.id)
    equal(client.list_user_group_memberships(ROOT, group_id=group.id).data, [])


def a_policy_is_understood_when_it_is_written(client):
    make_group(client)

    def write(statement, name="p"):
        details = m.CreatePolicyDetails(**common(name, statements=[statement]))
        return client.create_policy(details)

    where = "specified in the policy statement does not exist under current compartment hierarchy."
    for statement, message in [
        ("Allow group ghosts to read objects in tenancy", f"The group ghosts {where}"),
        (
            "Allow group readers to read objects in compartment Nowhere",
            f"The compartment Nowhere {where}",
        ),
    ]:
        refused(lambda: write(statement), 400, "InvalidParameter", message)
    error = refused(
        lambda: write("Allow group readers to read objects in tenancy where target.bucket.name=b"),
        400,
        "InvalidParameter",
    )
    equal(error.message.startswith("Invalid right-hand side in condition"), True, error.message)
    refused(lambda: write("Allow group readers to fly in tenancy"), 400, "InvalidParameter")
    statement = "Allow group readers to read objects in tenancy"
    made = write(statement).data
    equal((made.statements, made.version_date), ([statement], None))
    refused(lambda: write(statement), 409, "PolicyAlreadyExists", "Policy 'p' already exists")
    changed = client.update_policy(
        made.id,
        m.UpdatePolicyDetails(
            statements=["Allow any-user to read buckets in tenancy"], version_date=date(2030, 1, 2)
        ),
    ).data
    equal(changed.version_date.strftime("%Y-%m-%d"), "2030-01-02")
    client.delete_policy(made.id)


def lists_have_pages(client):
    for number in range(7):
        make_group(client, f"g{number}")
    for limit in (1, 3, 8, 1000):
        pages = oci.pagination.list_call_get_all_results(
            client.list_groups, ROOT, limit=limit, sort_by="NAME", sort_order="DESC"
        )
        names = [group.name for group in pages.data]
        equal(names, [f"g{n}" for n in range(6, -1, -1)] + ["Administrators"], limit)
    equal([group.name for group in client.list_groups(ROOT, name="g3").data], ["g3"])
    refused(lambda: client.list_groups(ROOT, limit=0), 400, "InvalidParameter")
    refused(lambda: client.list_groups(ROOT, page="???"), 400, "InvalidParameter")


def a_compartment_is_deleted_through_a_work_request(client):
    details = m.CreateCompartmentDetails(**common("dev"))
    made = client.create_compartment(details).data
    refused(
        lambda: client.create_compartment(details),
        409,
        "CompartmentAlreadyExists",
        "A compartment with name 'dev' already exists.",
    )
    answer = client.delete_compartment(made.id)
    equal(answer.status, 202)
    work = client.get_work_request(answer.headers["opc-work-request-id"]).data
    equal((work.operation_type, work.status), ("DELETE_COMPARTMENT", "SUCCEEDED"))
    equal([work.id], [one.id for one in client.list_work_requests(ROOT).data])
    equal(client.get_compartment(made.id).data.lifecycle_state, "DELETED")
    active = client.list_compartments(ROOT, lifecycle_state="ACTIVE").data
    equal(active, [])
    equal(client.recover_compartment(made.id).data.lifecycle_state, "ACTIVE")


def a_compartment_is_moved(client):
    make = lambda name: client.create_compartment(m.CreateCompartmentDetails(**common(name))).data
    dev, app = make("dev"), make("app")
    details = m.MoveCompartmentDetails(target_compartment_id=dev.id)
    answer = client.move_compartment(app.id, details)
    equal(answer.status, 202)
    equal(client.get_compartment(app.id).data.compartment_id, dev.id)
    tree = client.list_compartments(ROOT, compartment_id_in_subtree=True, access_level="ANY").data
    equal([(one.name, one.is_accessible) for one in tree], [("app", True), ("dev", True)])


def a_dynamic_groups_life(client):
    details = m.CreateDynamicGroupDetails(**common("machines", matching_rule="instance.id = 'x'"))
    made = client.create_dynamic_group(details).data
    update = m.UpdateDynamicGroupDetails(matching_rule="instance.id = 'y'")
    equal(client.update_dynamic_group(made.id, update).data.matching_rule, "instance.id = 'y'")
    equal([one.id for one in client.list_dynamic_groups(ROOT).data], [made.id])
    client.delete_dynamic_group(made.id)
    refused(lambda: client.get_dynamic_group(made.id), 404, "NotAuthorizedOrNotFound")


def the_tenancy_and_its_places(client):
    tenancy = client.get_tenancy(ROOT).data
    region = client.list_regions().data[0]
    equal(tenancy.home_region_key, region.key)
    subscription = client.list_region_subscriptions(ROOT).data[0]
    equal((subscription.region_name, subscription.status), (region.name, "READY"))
    domain = client.list_availability_domains(ROOT).data[0]
    equal(len(client.list_fault_domains(ROOT, domain.name).data), 3)
    default = client.list_domains(ROOT).data[0]
    equal((default.display_name, default.type), ("Default", "DEFAULT"))
    equal(client.get_domain(default.id).data.id, default.id)
    equal(client.get_compartment(ROOT).data.id, ROOT)
    refused(lambda: client.get_tenancy(ROOT + "x"), 404, "NotAuthorizedOrNotFound", HIDDEN)


def the_last_administrator_stays(client):
    own = oci.config.from_file(os.environ["PARBUCKLE_CONFIG"])["user"]
    refused(lambda: client.delete_user(own), 409, "LastAdministrator")
    blocked = m.UpdateStateDetails(blocked=True)
    refused(lambda: client.update_user_state(own, blocked), 409, "LastAdministrator")


def main():
    config = oci.config.from_file(os.environ["PARBUCKLE_CONFIG"])
    client = IdentityClient(
        config, service_endpoint=ENDPOINT, retry_strategy=oci.retry.NoneRetryStrategy()
    )
    globals()[sys.argv[1]](client)


main()

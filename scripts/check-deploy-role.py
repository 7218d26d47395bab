"""Checks deploy-role.yaml: who is trusted, and what may be done.

- The trust is in one environment of one repository, and no value of a parameter can make it wider.
- The execution role may do everything that CloudFormation needs for the resources of template.yaml, by the lists that AWS
  publishes with each kind of resource. A new kind of resource fails here, not in the middle of a deploy.
- It may do that to the names that template.yaml chooses, and to those that CloudFormation makes of the stack's name.
- Rights to give rights are limited to the stack's own names.
- Every role of template.yaml carries the boundary when there is one, and the boundary leaves it what it has.
- No policy is longer than IAM allows.

Nothing is looked up: no AWS call is made, no account and no region are needed.
"""

import fnmatch
import json
import pathlib
import re
import subprocess
import sys

try:
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER
    from samtranslator.yaml_helper import yaml_parse
except ModuleNotFoundError as missing:
    sys.exit(f"{missing.name} is not installed; run: python3 -m pip install -r .ci/requirements.txt")

ROOT = pathlib.Path(__file__).resolve().parent.parent

# IAM counts the characters of a managed policy without white space.
LONGEST_POLICY = 6144

# What AWS lists for a kind of resource because of properties that template.yaml does not set.
NOT_NEEDED = {
    "AWS::ApiGatewayV2::Api": "s3:getObject",  # a description of the API in a bucket
    "AWS::ApiGatewayV2::DomainName": "s3:*",  # a trust store of client certificates
    "AWS::CodeDeploy::DeploymentGroup": "codedeploy:RegisterOnPremisesInstance",
    "AWS::EC2::EIP": "ec2:AcceptAddressTransfer",
    "AWS::EC2::NatGateway": "ec2:*PrivateNatGatewayAddress ec2:*sociateNatGatewayAddress",
    "AWS::EC2::VPC": "ec2:CreateVpcEncryptionControl ec2:ModifyVpcTenancy",
    "AWS::EC2::VPCCidrBlock": "ec2:AllocateIpamPoolCidr",
    "AWS::EC2::VPCEndpoint": "vpc-lattice:* vpce:*",
    "AWS::EC2::VPCGatewayAttachment": "ec2:*VpnGateway",
    "AWS::IAM::ManagedPolicy": "iam:*GroupPolicy iam:*UserPolicy",
    "AWS::IAM::Role": "iam:DeleteRolePermissionsBoundary",  # a boundary may be set and never be taken away
    "AWS::Lambda::EventSourceMapping": "kms:*",  # a key of one's own
    "AWS::Lambda::Function": "elasticfilesystem:* kms:* lambda:*CodeSigningConfig lambda:GetLayerVersion "
    "lambda:PassCapacityProvider s3files:*",
    "AWS::Logs::LogGroup": "firehose:* logs:*KmsKey logs:*IndexPolicy logs:DeleteResourcePolicy "
    "logs:DeleteDataProtectionPolicy logs:PutBearerTokenAuthentication logs:PutDataProtectionPolicy "
    "logs:PutLogGroupDeletionProtection s3:*",
    "AWS::RDS::DBCluster": "rds:AddRoleToDBCluster rds:RemoveRoleFromDBCluster rds:RemoveFromGlobalCluster "
    "rds:*HttpEndpoint",
    "AWS::RDS::DBInstance": "kms:CreateGrant rds:AddRoleToDBInstance rds:RemoveRoleFromDBInstance rds:Promote* "
    "rds:*AutomatedBackupsReplication",
    "AWS::S3::Bucket": "s3tables:* s3:DeleteObject s3:DeleteBucket?* s3:UpdateBucketMetadata* s3:CreateBucketMetadata* "
    "s3:PutAccelerateConfiguration s3:PutAnalyticsConfiguration s3:PutIntelligentTieringConfiguration "
    "s3:PutInventoryConfiguration s3:PutMetricsConfiguration s3:PutObjectAcl s3:PutObjectLockConfiguration "
    "s3:PutReplicationConfiguration",
    "AWS::SecretsManager::Secret": "secretsmanager:GetSecretValue secretsmanager:RemoveRegionsFromReplication "
    "secretsmanager:ReplicateSecretToRegions",
    "AWS::SNS::Subscription": "iam:PassRole",
    "AWS::SNS::Topic": "iam:PassRole",
}

# What CloudFormation needs beyond the lists: it makes log deliveries in the name of whoever turns on an access log, and
# runs the function of a custom resource.
ALSO_NEEDED = {
    "AWS::ApiGatewayV2::Stage": "logs:CreateLogDelivery logs:DeleteLogDelivery logs:GetLogDelivery "
    "logs:ListLogDeliveries logs:PutResourcePolicy logs:UpdateLogDelivery logs:DescribeResourcePolicies",
    "AWS::ApiGatewayV2::Api": "iam:CreateServiceLinkedRole",
    "Custom::": "lambda:InvokeFunction",
}

# How the ARN of each kind of resource begins, up to its name, and the property that chooses the name. Other kinds are named by
# AWS with a number, or have no ARN.
HERE = "${AWS::Region}:${AWS::AccountId}"
NAMED = {
    "AWS::Budgets::Budget": ("budgets::${AWS::AccountId}:budget/", "BudgetName"),
    "AWS::CloudWatch::Alarm": (f"cloudwatch:{HERE}:alarm:", "AlarmName"),
    "AWS::CloudWatch::Dashboard": ("cloudwatch::${AWS::AccountId}:dashboard/", "DashboardName"),
    "AWS::CodeDeploy::Application": (f"codedeploy:{HERE}:application:", "ApplicationName"),
    "AWS::CodeDeploy::DeploymentGroup": (
        f"codedeploy:{HERE}:deploymentgroup:${{AWS::StackName}}-ServerlessDeploymentApplication-A1B2C3D4E5F6/",
        "DeploymentGroupName",
    ),
    "AWS::IAM::ManagedPolicy": ("iam::${AWS::AccountId}:policy/", "ManagedPolicyName"),
    "AWS::IAM::Role": ("iam::${AWS::AccountId}:role/", "RoleName"),
    "AWS::Lambda::Function": (f"lambda:{HERE}:function:", "FunctionName"),
    "AWS::Logs::LogGroup": (f"logs:{HERE}:log-group:", "LogGroupName"),
    "AWS::RDS::DBCluster": (f"rds:{HERE}:cluster:", "DBClusterIdentifier"),
    "AWS::RDS::DBClusterParameterGroup": (f"rds:{HERE}:cluster-pg:", "DBClusterParameterGroupName"),
    "AWS::RDS::DBInstance": (f"rds:{HERE}:db:", "DBInstanceIdentifier"),
    "AWS::RDS::DBParameterGroup": (f"rds:{HERE}:pg:", "DBParameterGroupName"),
    "AWS::RDS::DBSubnetGroup": (f"rds:{HERE}:subgrp:", "DBSubnetGroupName"),
    "AWS::S3::Bucket": ("s3:::", "BucketName"),
    "AWS::Scheduler::Schedule": (f"scheduler:{HERE}:schedule/default/", "Name"),
    "AWS::SecretsManager::Secret": (f"secretsmanager:{HERE}:secret:", "Name"),
    "AWS::SNS::Topic": (f"sns:{HERE}:", "TopicName"),
    "AWS::SQS::Queue": (f"sqs:{HERE}:", "QueueName"),
}

# What is in a list for a kind of resource and is done to another one.
DONE_TO_OTHERS = {"AWS::IAM::ManagedPolicy": "iam:AttachRolePolicy iam:DetachRolePolicy"}

# What a stack and its place could be called.
STACK = "errand-production"
FOR_EXAMPLE = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-central-1",
    "AWS::StackName": STACK,
    "Environment": "production",
}

problems = []


def expect(holds, otherwise):
    if not holds:
        problems.append(otherwise)


def as_list(value):
    return value if isinstance(value, list) else [value]


def matches(action, patterns):
    return any(fnmatch.fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)


def documents(resource):
    """Every policy document of a role or a managed policy, its trust apart."""
    properties = resource["Properties"]
    inline = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
    return inline + ([properties["PolicyDocument"]] if "PolicyDocument" in properties else [])


def length(document):
    """The length of a policy when names are filled in, about: `errand-development` and a long region."""
    text = json.dumps(document, separators=(",", ":"))
    text = re.sub(r'\{"Fn::Sub":("[^"]*")\}', r"\1", text)
    for name, value in {
        "Environment": "development",
        "AWS::Partition": "aws",
        "AWS::Region": "ap-southeast-2",
        "AWS::AccountId": "123456789012",
    }.items():
        text = text.replace("${" + name + "}", value)
    return len(text.replace(" ", ""))


def for_example(text):
    return re.sub(r"\$\{([\w:]+)\}", lambda name: FOR_EXAMPLE.get(name[1], name[0]), text)


def physical_name(stack, name):
    """What a resource of template.yaml is called, or could be."""
    kind, properties = stack[name]["Type"], stack[name]["Properties"]
    chosen = properties.get("Budget", properties).get(NAMED[kind][1])
    match chosen:
        case str():
            return chosen
        case {"Ref": "AWS::StackName"}:
            return STACK
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{(\w+)\.\w+\}", lambda other: physical_name(stack, other[1]), for_example(text))
    expect(chosen is None, f"{name} of template.yaml has a name that is not understood here: {chosen}")
    expect(kind != "AWS::Budgets::Budget", f"{name} of template.yaml has no name, and AWS does not say what it would get")
    # CloudFormation puts the stack's name before that of the resource, but for secrets.
    made = f"{name}-A1B2C3D4E5F6" if kind == "AWS::SecretsManager::Secret" else f"{STACK}-{name}-A1B2C3D4E5F6"
    return made.lower() if kind.startswith(("AWS::RDS::", "AWS::S3::")) else made


template = yaml_parse((ROOT / "deploy-role.yaml").read_text(encoding="utf-8"))
parameters, resources = template["Parameters"], template["Resources"]

# ---- Who is trusted

trust = resources["DeployRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
expect(len(trust) == 1, "the deploy role's trust has more than one statement")
statement = trust[0]
provider = {"Fn::If": ["MakesProvider", {"Ref": "Provider"}, {"Ref": "ProviderArn"}]}
expect(statement["Principal"] == {"Federated": provider}, "the deploy role trusts somebody else than GitHub")
expect(statement["Action"] == "sts:AssumeRoleWithWebIdentity", "the deploy role can be taken in another way")
claim = "token.actions.githubusercontent.com"
subject = "repo:${Repository}:environment:${Environment}"
expect(
    statement["Condition"] == {"StringEquals": {f"{claim}:aud": "sts.amazonaws.com", f"{claim}:sub": {"Fn::Sub": subject}}},
    "the deploy role's trust is not exactly one audience and one subject",
)
accepted = re.compile(parameters["Repository"]["AllowedPattern"])
expect("Default" not in parameters["Repository"], "a repository is trusted that nobody named")
for good in ["octo-org/errand", "octo-org@123456/errand.rs@456789"]:
    expect(accepted.search(good), f"the parameter Repository refuses {good}")
for bad in ["*", "octo-org/*", "*/errand", "octo-org/err?nd", "octo-org/errand:*", "octo-org", "octo-org/errand\n", "/", ""]:
    # CloudFormation wants the whole value to match.
    expect(not accepted.fullmatch(bad), f"the parameter Repository takes {bad!r}")
environments = parameters["Environment"]["AllowedValues"]
expect(all(re.fullmatch("[a-z]+", name) for name in environments), "an environment has a name that is not plain")

execution_trust = resources["ExecutionRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
expect(
    [statement["Principal"] for statement in execution_trust] == [{"Service": "cloudformation.amazonaws.com"}],
    "the execution role trusts somebody else than CloudFormation",
)

# ---- What may be done

for name, resource in resources.items():
    if not resource["Type"].startswith("AWS::IAM::") or resource["Type"] == "AWS::IAM::OIDCProvider":
        continue
    for document in documents(resource):
        if resource["Type"] == "AWS::IAM::ManagedPolicy":
            expect(
                length(document) <= LONGEST_POLICY,
                f"{name} has {length(document)} characters, and IAM allows {LONGEST_POLICY}",
            )
        for statement in document["Statement"]:
            where = f"{name}, {statement['Sid']}"
            actions = as_list(statement["Action"])
            if statement["Effect"] == "Deny":
                continue
            expect("*" not in actions and "iam:*" not in actions, f"{where}: allows everything")
            writes = [
                action
                for action in actions
                if action.startswith("iam:") and not re.match(r"iam:(Get|List)", action)
            ]
            if writes:
                expect("*" not in as_list(statement["Resource"]), f"{where}: gives rights beyond the stack's names")
            if "iam:PassRole" in actions:
                condition = json.dumps(statement.get("Condition", {}))
                expect("iam:PassedToService" in condition, f"{where}: hands a role to any service")

# CloudFormation may change roles and policies by the name of the stack. Those of this file have other names, whatever their
# own stack is called: otherwise it could give itself more.
for name, resource in resources.items():
    if resource["Type"] in ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy"):
        given = resource["Properties"].get("RoleName", resource["Properties"].get("ManagedPolicyName", {}))
        expect(
            re.match(r"(boundary|cloudformation|deploy)-errand-\$\{Environment\}", given.get("Fn::Sub", "")),
            f"{name} has no name of its own, and may be one that the execution role can change",
        )

rights = {
    statement["Sid"]: statement for statement in resources["RolesPolicy"]["Properties"]["PolicyDocument"]["Statement"]
}
boundary = {"StringEquals": {"iam:PermissionsBoundary": {"Ref": "Boundary"}}}
expect(
    rights["GiveRights"].get("Condition") == {"Fn::If": ["RequiresBoundary", boundary, {"Ref": "AWS::NoValue"}]},
    "the boundary can not be required of the roles that the stack makes",
)
for action in ["iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePolicy"]:
    having = [sid for sid, statement in rights.items() if action in as_list(statement["Action"])]
    expect(having == ["GiveRights"], f"{action} is allowed without the boundary, by {having}")

# ---- Whether that is enough for template.yaml

allows = []
for reference in resources["ExecutionRole"]["Properties"]["ManagedPolicyArns"]:
    for document in documents(resources[reference["Ref"]]):
        allows += document["Statement"]
allowed = [action for statement in allows for action in as_list(statement["Action"])]


def is_reached(arn, action):
    """Whether a statement of the execution role allows the action and has a pattern for the ARN."""
    for statement in allows:
        if matches(action, as_list(statement["Action"])):
            patterns = [resource["Fn::Sub"] if isinstance(resource, dict) else resource for resource in as_list(statement["Resource"])]
            if any(fnmatch.fnmatchcase(arn, for_example(pattern)) for pattern in patterns):
                return True
    return False


transformed = subprocess.run(
    [sys.executable, ROOT / "scripts" / "transform-template.py"], capture_output=True, text=True, check=False
)
if transformed.returncode != 0:
    sys.exit(transformed.stderr)
stack = json.loads(transformed.stdout)["Resources"]
kinds = sorted({resource["Type"] for resource in stack.values()})
for kind in kinds:
    needed = set()
    for prefix, actions in ALSO_NEEDED.items():
        if kind.startswith(prefix):
            needed.update(actions.split())
    if not kind.startswith("Custom::"):
        handlers = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema.get("handlers") or {}
        for step in ("create", "read", "update", "delete"):
            needed.update(handlers.get(step, {}).get("permissions", []))
        needed = {action for action in needed if not matches(action, NOT_NEEDED.get(kind, "").split())}
    missing = sorted(action for action in needed if not matches(action, allowed))
    expect(not missing, f"the execution role may not do what {kind} needs: {', '.join(missing)}")
    if kind not in NAMED:
        continue
    begin = NAMED[kind][0]
    service = begin.partition(":")[0]
    done_to_it = [action for action in needed if action.startswith(f"{service}:") and action not in missing]
    done_to_it = [action for action in done_to_it if action not in DONE_TO_OTHERS.get(kind, "").split()]
    for name in [name for name, resource in stack.items() if resource["Type"] == kind]:
        arn = for_example(f"arn:aws:{begin}") + physical_name(stack, name)
        beyond = sorted(action for action in done_to_it if not is_reached(arn, action))
        expect(not beyond, f"the execution role does not reach {name} of template.yaml, {arn}, with {', '.join(beyond)}")

# ---- Whether the roles of template.yaml fit into the boundary

expect(parameters["RequireBoundary"]["Default"] == "yes", "the boundary is not required unless somebody asks for it")
within = resources["Boundary"]["Properties"]["PolicyDocument"]["Statement"]
most = [action for statement in within for action in as_list(statement["Action"])]
carried = {"Fn::If": ["HasBoundary", {"Ref": "RoleBoundaryArn"}, {"Ref": "AWS::NoValue"}]}
for name, resource in stack.items():
    if resource["Type"] not in ("AWS::IAM::ManagedPolicy", "AWS::IAM::Role", "AWS::IAM::RolePolicy"):
        continue
    if resource["Type"] == "AWS::IAM::Role":
        given = resource["Properties"].get("PermissionsBoundary")
        expect(given == carried, f"{name} of template.yaml does not carry the boundary, and could not be made")
    for document in documents(resource):
        for statement in document["Statement"]:
            beyond = [action for action in as_list(statement["Action"]) if not matches(action, most)]
            if statement["Effect"] == "Allow":
                expect(not beyond, f"{name} of template.yaml may do what the boundary does not allow: {', '.join(beyond)}")
# Names that CloudFormation makes begin with the stack's, and are in it. Others are chosen in template.yaml.
names = [resource["Fn::Sub"].partition(":function:")[2] for resource in within[0]["Resource"]]
for name, resource in stack.items():
    chosen = resource["Properties"].get("FunctionName") if resource["Type"] == "AWS::Lambda::Function" else None
    if chosen:
        wanted = chosen["Fn::Sub"].replace("${AWS::StackName}", "errand-${Environment}")
        expect(matches(wanted, names), f"{name} of template.yaml has a name that the boundary leaves out")

if problems:
    sys.exit("\n".join(["deploy-role.yaml is not as it should be:", *(f"  {problem}" for problem in problems)]))
print(f"deploy-role.yaml trusts one environment of one repository, and covers the {len(kinds)} kinds of resources and their names")

"""Who is here and what belongs to whom: users, organizations, members, keys, invitations and the audit chain."""

import uuid
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models


class UserManager(BaseUserManager["User"]):
    """Users are known by e-mail address, kept in lower case so that no two differ only by case."""

    def create_user(self, email: str, password: str | None = None, **fields: object) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person. What they may do is decided by their membership in each organization, not here."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField(auto_now_add=True)
    # Empty means: as the browser asks, as the machine is set.
    language = models.CharField(max_length=8, blank=True, default="")
    time_zone = models.CharField(max_length=64, blank=True, default="")

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.email


class LoginLink(models.Model):
    """A way in for ``user`` that works once and soon ends; made on the machine itself. Only its digest is kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return str(self.id)


class Role(models.TextChoices):
    OWNER = "owner", "所有者"
    STEWARD = "steward", "数据管理员"
    ANNOTATOR = "annotator", "标注员"
    DEVELOPER = "developer", "开发者"
    AUDITOR = "auditor", "审计员"
    VIEWER = "viewer", "查看者"


class Organization(models.Model):
    """The tenant. Its own row is under row-level security too: a stranger cannot learn its name."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120, unique=True)
    daily_token_quota = models.BigIntegerField(default=2_000_000)
    # By an operator: members see why, keys are refused, runs wait. Nothing is lost.
    suspended_at = models.DateTimeField(null=True, blank=True)
    suspended_reason = models.CharField(max_length=300, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class TenantModel(models.Model):
    """Base of every row that belongs to one organization.

    The migration of each subclass lists one :class:`liaoyuan.accounts.rls.TenantTable`, which forces row-level security
    and makes foreign keys between tenant tables carry the organization.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True


class Member(TenantModel):
    """A user's place in an organization: one role, any number of groups (groups carry document rights)."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role)
    groups = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    disabled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "user"], name="member_once")]

    def __str__(self) -> str:
        return f"{self.user_id}:{self.role}"


class Invitation(TenantModel):
    """A one-time, purpose-bound token by which a person joins; only its digest is kept."""

    email = models.EmailField()
    role = models.CharField(max_length=16, choices=Role)
    groups = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    digest = models.CharField(max_length=64)
    invited_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "digest"], name="invitation_digest_once")]

    def __str__(self) -> str:
        return self.email


class ApiKey(TenantModel):
    """A key of one member. The secret is shown once; here are its prefix and its HMAC."""

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="keys")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=16)
    digest = models.CharField(max_length=64)
    scopes = ArrayField(models.CharField(max_length=40), default=list)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "prefix"], name="api_key_prefix_once")]

    def __str__(self) -> str:
        return self.prefix


class AuditEvent(TenantModel):
    """One link of the organization's hash chain. Append-only: a trigger refuses UPDATE and DELETE."""

    seq = models.BigIntegerField()
    actor = models.CharField(max_length=120)
    action = models.CharField(max_length=80)
    object_kind = models.CharField(max_length=40)
    object_id = models.CharField(max_length=80)
    detail = models.JSONField(default=dict)
    at = models.DateTimeField()
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "seq"], name="audit_seq_once")]

    def __str__(self) -> str:
        return f"{self.seq} {self.action}"

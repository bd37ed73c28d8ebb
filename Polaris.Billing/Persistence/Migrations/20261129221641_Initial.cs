using System;
using System.Numerics;
using Microsoft.EntityFrameworkCore.Migrations;
using NodaTime;

#nullable disable

namespace Polaris.Billing.Persistence.Migrations
{
    /// <inheritdoc />
    public partial class Initial : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "applied_batches",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    batch_id = table.Column<Guid>(type: "uuid", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_applied_batches", x => new { x.org_id, x.batch_id });
                });

            migrationBuilder.CreateTable(
                name: "consumer_positions",
                columns: table => new
                {
                    cluster_id = table.Column<string>(type: "text", nullable: false),
                    topic = table.Column<string>(type: "text", nullable: false),
                    partition = table.Column<int>(type: "integer", nullable: false),
                    next_offset = table.Column<long>(type: "bigint", nullable: false),
                    moved_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_consumer_positions", x => new { x.cluster_id, x.topic, x.partition });
                });

            migrationBuilder.CreateTable(
                name: "corrections",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    corrected_batch_id = table.Column<Guid>(type: "uuid", nullable: false),
                    corrected_key = table.Column<string>(type: "text", nullable: false),
                    by_batch_id = table.Column<Guid>(type: "uuid", nullable: false),
                    by_key = table.Column<string>(type: "text", nullable: false),
                    replaces = table.Column<bool>(type: "boolean", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_corrections", x => new { x.org_id, x.corrected_batch_id, x.corrected_key });
                });

            migrationBuilder.CreateTable(
                name: "coupons",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    key = table.Column<string>(type: "text", nullable: false),
                    name = table.Column<string>(type: "text", nullable: false),
                    rate = table.Column<decimal>(type: "numeric", nullable: true),
                    amount = table.Column<decimal>(type: "numeric", nullable: true),
                    currency = table.Column<string>(type: "text", nullable: true),
                    periods = table.Column<int>(type: "integer", nullable: true),
                    created_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_coupons", x => new { x.org_id, x.key });
                });

            migrationBuilder.CreateTable(
                name: "customers",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    key = table.Column<string>(type: "text", nullable: false),
                    name = table.Column<string>(type: "text", nullable: false),
                    email = table.Column<string>(type: "text", nullable: true),
                    created_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_customers", x => new { x.org_id, x.id });
                });

            migrationBuilder.CreateTable(
                name: "dead_letters",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    cluster_id = table.Column<string>(type: "text", nullable: false),
                    topic = table.Column<string>(type: "text", nullable: false),
                    partition = table.Column<int>(type: "integer", nullable: false),
                    record_offset = table.Column<long>(type: "bigint", nullable: false),
                    reason = table.Column<string>(type: "text", nullable: false),
                    payload = table.Column<byte[]>(type: "bytea", nullable: false),
                    seen_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    attempts = table.Column<int>(type: "integer", nullable: false),
                    resolved_at = table.Column<Instant>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_dead_letters", x => new { x.org_id, x.id });
                });

            migrationBuilder.CreateTable(
                name: "dirty_buckets",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    customer_key = table.Column<string>(type: "text", nullable: false),
                    bucket_start = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    marked_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_dirty_buckets", x => new { x.org_id, x.customer_key, x.bucket_start });
                });

            migrationBuilder.CreateTable(
                name: "fresh_buckets",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    bucket_start = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    touched_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    reconciled_at = table.Column<Instant>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_fresh_buckets", x => new { x.org_id, x.bucket_start });
                });

            migrationBuilder.CreateTable(
                name: "invoices",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    number = table.Column<string>(type: "text", nullable: false),
                    subscription_id = table.Column<Guid>(type: "uuid", nullable: false),
                    customer_key = table.Column<string>(type: "text", nullable: false),
                    status = table.Column<string>(type: "text", nullable: false),
                    currency = table.Column<string>(type: "text", nullable: false),
                    period_start = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    period_end = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    total = table.Column<decimal>(type: "numeric", nullable: false),
                    tax = table.Column<decimal>(type: "numeric", nullable: false),
                    plan_version_id = table.Column<Guid>(type: "uuid", nullable: false),
                    plan_version_hash = table.Column<string>(type: "text", nullable: false),
                    plan_version_hashes = table.Column<string[]>(type: "text[]", nullable: true),
                    engine_version = table.Column<string>(type: "text", nullable: false),
                    result_hash = table.Column<string>(type: "text", nullable: false),
                    stale = table.Column<bool>(type: "boolean", nullable: false),
                    created_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    finalized_at = table.Column<Instant>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_invoices", x => new { x.org_id, x.id });
                });

            migrationBuilder.CreateTable(
                name: "level_checkpoints",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    customer_key = table.Column<string>(type: "text", nullable: false),
                    meter_id = table.Column<Guid>(type: "uuid", nullable: false),
                    dimensions = table.Column<string>(type: "text", nullable: false),
                    before = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    level = table.Column<decimal>(type: "numeric", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_level_checkpoints", x => new { x.org_id, x.customer_key, x.meter_id, x.dimensions });
                });

            migrationBuilder.CreateTable(
                name: "meters",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    key = table.Column<string>(type: "text", nullable: false),
                    message = table.Column<byte[]>(type: "bytea", nullable: false),
                    filled = table.Column<bool>(type: "boolean", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_meters", x => new { x.org_id, x.id });
                });

            migrationBuilder.CreateTable(
                name: "orgs",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    frozen_at = table.Column<Instant>(type: "timestamp with time zone", nullable: true),
                    clock_set_at = table.Column<Instant>(type: "timestamp with time zone", nullable: true),
                    next_invoice_number = table.Column<long>(type: "bigint", nullable: false),
                    invoiced_through = table.Column<Instant>(type: "timestamp with time zone", nullable: true),
                    invoice_turn_at = table.Column<Instant>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_orgs", x => x.org_id);
                });

            migrationBuilder.CreateTable(
                name: "outbox",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    event_id = table.Column<Guid>(type: "uuid", nullable: false),
                    message = table.Column<byte[]>(type: "bytea", nullable: false),
                    trace_links = table.Column<string>(type: "text", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_outbox", x => new { x.org_id, x.event_id });
                });

            migrationBuilder.CreateTable(
                name: "plan_versions",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    plan_key = table.Column<string>(type: "text", nullable: false),
                    message = table.Column<byte[]>(type: "bytea", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_plan_versions", x => new { x.org_id, x.id });
                });

            migrationBuilder.CreateTable(
                name: "reconciliation_findings",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    kind = table.Column<string>(type: "text", nullable: false),
                    bucket_start = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    place = table.Column<string>(type: "text", nullable: false),
                    customer_key = table.Column<string>(type: "text", nullable: true),
                    stored = table.Column<string>(type: "text", nullable: false),
                    expected = table.Column<string>(type: "text", nullable: false),
                    found_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    repaired_at = table.Column<Instant>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_reconciliation_findings", x => new { x.org_id, x.id });
                });

            migrationBuilder.CreateTable(
                name: "reconciliation_position",
                columns: table => new
                {
                    id = table.Column<int>(type: "integer", nullable: false),
                    owner = table.Column<Guid>(type: "uuid", nullable: false),
                    held_until = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    current_org = table.Column<Guid>(type: "uuid", nullable: false),
                    next_bucket = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    pass_started_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    pass_done = table.Column<bool>(type: "boolean", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_reconciliation_position", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "reconciliations",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    last_checked_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    last_pass_at = table.Column<Instant>(type: "timestamp with time zone", nullable: true),
                    running_buckets = table.Column<long>(type: "bigint", nullable: false),
                    pass_buckets = table.Column<long>(type: "bigint", nullable: false),
                    drift_found = table.Column<long>(type: "bigint", nullable: false),
                    drift_repaired = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_reconciliations", x => x.org_id);
                });

            migrationBuilder.CreateTable(
                name: "recovery_position",
                columns: table => new
                {
                    id = table.Column<int>(type: "integer", nullable: false),
                    received_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    batch_id = table.Column<Guid>(type: "uuid", nullable: false),
                    compacted_before = table.Column<Guid>(type: "uuid", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_recovery_position", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "relay_lease",
                columns: table => new
                {
                    id = table.Column<int>(type: "integer", nullable: false),
                    owner = table.Column<Guid>(type: "uuid", nullable: false),
                    held_until = table.Column<Instant>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_relay_lease", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "subscriptions",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    customer_key = table.Column<string>(type: "text", nullable: false),
                    plan_key = table.Column<string>(type: "text", nullable: false),
                    plan_version_id = table.Column<Guid>(type: "uuid", nullable: false),
                    start_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    trial_end = table.Column<Instant>(type: "timestamp with time zone", nullable: true),
                    end_at = table.Column<Instant>(type: "timestamp with time zone", nullable: true),
                    agreed_end_at = table.Column<Instant>(type: "timestamp with time zone", nullable: true),
                    credit_unused = table.Column<bool>(type: "boolean", nullable: false),
                    paid_until = table.Column<Instant>(type: "timestamp with time zone", nullable: true),
                    interval = table.Column<string>(type: "text", nullable: false),
                    anchor_day = table.Column<int>(type: "integer", nullable: false),
                    anchor_month = table.Column<int>(type: "integer", nullable: false),
                    time_zone = table.Column<string>(type: "text", nullable: false),
                    next_period_start = table.Column<Instant>(type: "timestamp with time zone", nullable: true),
                    next_period_end = table.Column<Instant>(type: "timestamp with time zone", nullable: true),
                    held_until = table.Column<Instant>(type: "timestamp with time zone", nullable: true),
                    held_code = table.Column<string>(type: "text", nullable: true),
                    held_message = table.Column<string>(type: "text", nullable: true),
                    held_tries = table.Column<int>(type: "integer", nullable: false),
                    created_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_subscriptions", x => new { x.org_id, x.id });
                });

            migrationBuilder.CreateTable(
                name: "usage_aggregates",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    customer_key = table.Column<string>(type: "text", nullable: false),
                    meter_id = table.Column<Guid>(type: "uuid", nullable: false),
                    bucket_start = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    dimensions = table.Column<string>(type: "text", nullable: false, defaultValue: ""),
                    event_count = table.Column<long>(type: "bigint", nullable: false),
                    total = table.Column<decimal>(type: "numeric", nullable: false),
                    max_value = table.Column<decimal>(type: "numeric", nullable: false),
                    digest = table.Column<decimal>(type: "numeric(20,0)", nullable: false),
                    min_value = table.Column<decimal>(type: "numeric", nullable: true),
                    moment = table.Column<BigInteger>(type: "numeric", nullable: true),
                    latest_at = table.Column<long>(type: "bigint", nullable: true),
                    latest_hash = table.Column<decimal>(type: "numeric(20,0)", nullable: true),
                    latest_value = table.Column<decimal>(type: "numeric", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_usage_aggregates", x => new { x.org_id, x.customer_key, x.meter_id, x.bucket_start, x.dimensions });
                });

            migrationBuilder.CreateTable(
                name: "usage_buckets",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    bucket_start = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    partition = table.Column<int>(type: "integer", nullable: false),
                    event_count = table.Column<long>(type: "bigint", nullable: false),
                    digest = table.Column<decimal>(type: "numeric(20,0)", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_usage_buckets", x => new { x.org_id, x.bucket_start, x.partition });
                });

            migrationBuilder.CreateTable(
                name: "usage_traces",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    customer_key = table.Column<string>(type: "text", nullable: false),
                    day = table.Column<LocalDate>(type: "date", nullable: false),
                    trace_links = table.Column<string[]>(type: "text[]", nullable: false),
                    recorded_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_usage_traces", x => new { x.org_id, x.customer_key, x.day });
                });

            migrationBuilder.CreateTable(
                name: "usage_uniques",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    customer_key = table.Column<string>(type: "text", nullable: false),
                    meter_id = table.Column<Guid>(type: "uuid", nullable: false),
                    bucket_start = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    dimensions = table.Column<string>(type: "text", nullable: false, defaultValue: ""),
                    value_hash = table.Column<Guid>(type: "uuid", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_usage_uniques", x => new { x.org_id, x.customer_key, x.meter_id, x.bucket_start, x.dimensions, x.value_hash });
                });

            migrationBuilder.CreateTable(
                name: "invoice_lines",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    invoice_id = table.Column<Guid>(type: "uuid", nullable: false),
                    ordinal = table.Column<int>(type: "integer", nullable: false),
                    kind = table.Column<string>(type: "text", nullable: false, defaultValue: "charge"),
                    adjusts_invoice_id = table.Column<Guid>(type: "uuid", nullable: true),
                    adjusts_number = table.Column<string>(type: "text", nullable: true),
                    adjusts_kind = table.Column<string>(type: "text", nullable: true),
                    span_start = table.Column<Instant>(type: "timestamp with time zone", nullable: true),
                    span_end = table.Column<Instant>(type: "timestamp with time zone", nullable: true),
                    plan_version_id = table.Column<Guid>(type: "uuid", nullable: true),
                    charge = table.Column<string>(type: "text", nullable: false),
                    name = table.Column<string>(type: "text", nullable: false),
                    meter = table.Column<string>(type: "text", nullable: true),
                    quantity = table.Column<decimal>(type: "numeric", nullable: false),
                    unrounded_amount = table.Column<decimal>(type: "numeric", nullable: false),
                    amount = table.Column<decimal>(type: "numeric", nullable: false),
                    tax = table.Column<decimal>(type: "numeric", nullable: false),
                    event_count = table.Column<long>(type: "bigint", nullable: false),
                    event_digest = table.Column<decimal>(type: "numeric(20,0)", nullable: false),
                    explanation = table.Column<string>(type: "jsonb", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_invoice_lines", x => new { x.org_id, x.invoice_id, x.ordinal });
                    table.ForeignKey(
                        name: "fk_invoice_lines_invoices_org_id_invoice_id",
                        columns: x => new { x.org_id, x.invoice_id },
                        principalTable: "invoices",
                        principalColumns: new[] { "org_id", "id" },
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "applied_coupons",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    subscription_id = table.Column<Guid>(type: "uuid", nullable: false),
                    coupon_key = table.Column<string>(type: "text", nullable: false),
                    applied_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    created_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_applied_coupons", x => new { x.org_id, x.subscription_id, x.coupon_key });
                    table.ForeignKey(
                        name: "fk_applied_coupons_coupons_org_id_coupon_key",
                        columns: x => new { x.org_id, x.coupon_key },
                        principalTable: "coupons",
                        principalColumns: new[] { "org_id", "key" },
                        onDelete: ReferentialAction.Cascade);
                    table.ForeignKey(
                        name: "fk_applied_coupons_subscriptions_org_id_subscription_id",
                        columns: x => new { x.org_id, x.subscription_id },
                        principalTable: "subscriptions",
                        principalColumns: new[] { "org_id", "id" },
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "one_off_charges",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    subscription_id = table.Column<Guid>(type: "uuid", nullable: false),
                    key = table.Column<string>(type: "text", nullable: false),
                    name = table.Column<string>(type: "text", nullable: false),
                    amount = table.Column<decimal>(type: "numeric", nullable: false),
                    at = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    created_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_one_off_charges", x => new { x.org_id, x.subscription_id, x.key });
                    table.ForeignKey(
                        name: "fk_one_off_charges_subscriptions_org_id_subscription_id",
                        columns: x => new { x.org_id, x.subscription_id },
                        principalTable: "subscriptions",
                        principalColumns: new[] { "org_id", "id" },
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "plan_changes",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    subscription_id = table.Column<Guid>(type: "uuid", nullable: false),
                    starts_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    plan_key = table.Column<string>(type: "text", nullable: false),
                    plan_version_id = table.Column<Guid>(type: "uuid", nullable: false),
                    after_billing = table.Column<bool>(type: "boolean", nullable: false),
                    created_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_plan_changes", x => new { x.org_id, x.subscription_id, x.starts_at });
                    table.ForeignKey(
                        name: "fk_plan_changes_subscriptions_org_id_subscription_id",
                        columns: x => new { x.org_id, x.subscription_id },
                        principalTable: "subscriptions",
                        principalColumns: new[] { "org_id", "id" },
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateIndex(
                name: "ix_applied_coupons_org_id_coupon_key",
                table: "applied_coupons",
                columns: new[] { "org_id", "coupon_key" });

            migrationBuilder.CreateIndex(
                name: "ix_corrections_org_id_by_batch_id",
                table: "corrections",
                columns: new[] { "org_id", "by_batch_id" });

            migrationBuilder.CreateIndex(
                name: "ix_customers_org_id_key",
                table: "customers",
                columns: new[] { "org_id", "key" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_dead_letters_waiting",
                table: "dead_letters",
                columns: new[] { "org_id", "seen_at" },
                filter: "resolved_at IS NULL");

            migrationBuilder.CreateIndex(
                name: "ix_invoice_lines_org_id_adjusts_invoice_id",
                table: "invoice_lines",
                columns: new[] { "org_id", "adjusts_invoice_id" },
                filter: "adjusts_invoice_id IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_invoices_org_id_customer_key_period_start",
                table: "invoices",
                columns: new[] { "org_id", "customer_key", "period_start" });

            migrationBuilder.CreateIndex(
                name: "ix_invoices_org_id_number",
                table: "invoices",
                columns: new[] { "org_id", "number" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_invoices_org_id_subscription_id_period_start",
                table: "invoices",
                columns: new[] { "org_id", "subscription_id", "period_start" },
                unique: true,
                filter: "period_start < period_end");

            migrationBuilder.CreateIndex(
                name: "ix_invoices_stale",
                table: "invoices",
                column: "org_id",
                filter: "stale");

            migrationBuilder.CreateIndex(
                name: "ix_meters_org_id_key",
                table: "meters",
                columns: new[] { "org_id", "key" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_orgs_clock_set_at_org_id",
                table: "orgs",
                columns: new[] { "clock_set_at", "org_id" },
                filter: "clock_set_at IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_reconciliation_findings_open",
                table: "reconciliation_findings",
                column: "org_id",
                filter: "repaired_at IS NULL");

            migrationBuilder.CreateIndex(
                name: "ix_subscriptions_org_id_customer_key_plan_key_start_at",
                table: "subscriptions",
                columns: new[] { "org_id", "customer_key", "plan_key", "start_at" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_subscriptions_org_id_next_period_end",
                table: "subscriptions",
                columns: new[] { "org_id", "next_period_end" },
                filter: "next_period_end IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_usage_aggregates_org_id_meter_id_bucket_start",
                table: "usage_aggregates",
                columns: new[] { "org_id", "meter_id", "bucket_start" });

            migrationBuilder.CreateIndex(
                name: "ix_usage_uniques_org_id_meter_id_bucket_start",
                table: "usage_uniques",
                columns: new[] { "org_id", "meter_id", "bucket_start" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "applied_batches");

            migrationBuilder.DropTable(
                name: "applied_coupons");

            migrationBuilder.DropTable(
                name: "consumer_positions");

            migrationBuilder.DropTable(
                name: "corrections");

            migrationBuilder.DropTable(
                name: "customers");

            migrationBuilder.DropTable(
                name: "dead_letters");

            migrationBuilder.DropTable(
                name: "dirty_buckets");

            migrationBuilder.DropTable(
                name: "fresh_buckets");

            migrationBuilder.DropTable(
                name: "invoice_lines");

            migrationBuilder.DropTable(
                name: "level_checkpoints");

            migrationBuilder.DropTable(
                name: "meters");

            migrationBuilder.DropTable(
                name: "one_off_charges");

            migrationBuilder.DropTable(
                name: "orgs");

            migrationBuilder.DropTable(
                name: "outbox");

            migrationBuilder.DropTable(
                name: "plan_changes");

            migrationBuilder.DropTable(
                name: "plan_versions");

            migrationBuilder.DropTable(
                name: "reconciliation_findings");

            migrationBuilder.DropTable(
                name: "reconciliation_position");

            migrationBuilder.DropTable(
                name: "reconciliations");

            migrationBuilder.DropTable(
                name: "recovery_position");

            migrationBuilder.DropTable(
                name: "relay_lease");

            migrationBuilder.DropTable(
                name: "usage_aggregates");

            migrationBuilder.DropTable(
                name: "usage_buckets");

            migrationBuilder.DropTable(
                name: "usage_traces");

            migrationBuilder.DropTable(
                name: "usage_uniques");

            migrationBuilder.DropTable(
                name: "coupons");

            migrationBuilder.DropTable(
                name: "invoices");

            migrationBuilder.DropTable(
                name: "subscriptions");
        }
    }
}

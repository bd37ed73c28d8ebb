using System;
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
                    next_offset = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_consumer_positions", x => new { x.cluster_id, x.topic, x.partition });
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
                    cluster_id = table.Column<string>(type: "text", nullable: false),
                    topic = table.Column<string>(type: "text", nullable: false),
                    partition = table.Column<int>(type: "integer", nullable: false),
                    record_offset = table.Column<long>(type: "bigint", nullable: false),
                    reason = table.Column<string>(type: "text", nullable: false),
                    payload = table.Column<byte[]>(type: "bytea", nullable: false),
                    seen_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_dead_letters", x => new { x.cluster_id, x.topic, x.partition, x.record_offset });
                });

            migrationBuilder.CreateTable(
                name: "heal_position",
                columns: table => new
                {
                    id = table.Column<int>(type: "integer", nullable: false),
                    received_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    batch_id = table.Column<Guid>(type: "uuid", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_heal_position", x => x.id);
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
                    plan_version_id = table.Column<Guid>(type: "uuid", nullable: false),
                    plan_version_hash = table.Column<string>(type: "text", nullable: false),
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
                    next_invoice_number = table.Column<long>(type: "bigint", nullable: false),
                    invoiced_through = table.Column<Instant>(type: "timestamp with time zone", nullable: true)
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
                    message = table.Column<byte[]>(type: "bytea", nullable: false)
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
                name: "subscriptions",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    customer_key = table.Column<string>(type: "text", nullable: false),
                    plan_key = table.Column<string>(type: "text", nullable: false),
                    plan_version_id = table.Column<Guid>(type: "uuid", nullable: false),
                    start_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    end_at = table.Column<Instant>(type: "timestamp with time zone", nullable: true),
                    anchor_day = table.Column<int>(type: "integer", nullable: false),
                    time_zone = table.Column<string>(type: "text", nullable: false),
                    next_period_start = table.Column<Instant>(type: "timestamp with time zone", nullable: true),
                    next_period_end = table.Column<Instant>(type: "timestamp with time zone", nullable: true),
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
                    event_count = table.Column<long>(type: "bigint", nullable: false),
                    total = table.Column<decimal>(type: "numeric", nullable: false),
                    peak = table.Column<decimal>(type: "numeric", nullable: false),
                    digest = table.Column<decimal>(type: "numeric(20,0)", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_usage_aggregates", x => new { x.org_id, x.customer_key, x.meter_id, x.bucket_start });
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
                name: "usage_uniques",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    customer_key = table.Column<string>(type: "text", nullable: false),
                    meter_id = table.Column<Guid>(type: "uuid", nullable: false),
                    bucket_start = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    value_hash = table.Column<Guid>(type: "uuid", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_usage_uniques", x => new { x.org_id, x.customer_key, x.meter_id, x.bucket_start, x.value_hash });
                });

            migrationBuilder.CreateTable(
                name: "invoice_lines",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    invoice_id = table.Column<Guid>(type: "uuid", nullable: false),
                    ordinal = table.Column<int>(type: "integer", nullable: false),
                    charge = table.Column<string>(type: "text", nullable: false),
                    name = table.Column<string>(type: "text", nullable: false),
                    meter = table.Column<string>(type: "text", nullable: true),
                    quantity = table.Column<decimal>(type: "numeric", nullable: false),
                    unrounded_amount = table.Column<decimal>(type: "numeric", nullable: false),
                    amount = table.Column<decimal>(type: "numeric", nullable: false),
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

            migrationBuilder.CreateIndex(
                name: "ix_customers_org_id_key",
                table: "customers",
                columns: new[] { "org_id", "key" },
                unique: true);

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
                unique: true);

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
                name: "consumer_positions");

            migrationBuilder.DropTable(
                name: "customers");

            migrationBuilder.DropTable(
                name: "dead_letters");

            migrationBuilder.DropTable(
                name: "heal_position");

            migrationBuilder.DropTable(
                name: "invoice_lines");

            migrationBuilder.DropTable(
                name: "meters");

            migrationBuilder.DropTable(
                name: "orgs");

            migrationBuilder.DropTable(
                name: "outbox");

            migrationBuilder.DropTable(
                name: "plan_versions");

            migrationBuilder.DropTable(
                name: "subscriptions");

            migrationBuilder.DropTable(
                name: "usage_aggregates");

            migrationBuilder.DropTable(
                name: "usage_buckets");

            migrationBuilder.DropTable(
                name: "usage_uniques");

            migrationBuilder.DropTable(
                name: "invoices");
        }
    }
}

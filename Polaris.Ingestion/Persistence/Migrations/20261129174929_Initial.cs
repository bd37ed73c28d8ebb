using System;
using Microsoft.EntityFrameworkCore.Migrations;
using NodaTime;

#nullable disable

namespace Polaris.Ingestion.Persistence.Migrations
{
    /// <inheritdoc />
    public partial class Initial : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "dead_letters",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    topic = table.Column<string>(type: "text", nullable: false),
                    partition = table.Column<int>(type: "integer", nullable: false),
                    record_offset = table.Column<long>(type: "bigint", nullable: false),
                    reason = table.Column<string>(type: "text", nullable: false),
                    payload = table.Column<byte[]>(type: "bytea", nullable: false),
                    seen_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    attempts = table.Column<int>(type: "integer", nullable: false),
                    retry_at = table.Column<Instant>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_dead_letters", x => new { x.org_id, x.id });
                });

            migrationBuilder.CreateTable(
                name: "event_corrections",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    corrected_key = table.Column<string>(type: "text", nullable: false),
                    corrected_batch_id = table.Column<Guid>(type: "uuid", nullable: false),
                    by_key = table.Column<string>(type: "text", nullable: false),
                    by_batch_id = table.Column<Guid>(type: "uuid", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_event_corrections", x => new { x.org_id, x.corrected_key });
                });

            migrationBuilder.CreateTable(
                name: "event_keys",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    idempotency_key = table.Column<string>(type: "text", nullable: false),
                    batch_id = table.Column<Guid>(type: "uuid", nullable: false),
                    content_hash = table.Column<Guid>(type: "uuid", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_event_keys", x => new { x.org_id, x.idempotency_key });
                });

            migrationBuilder.CreateTable(
                name: "invoiced_periods",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    customer_key = table.Column<string>(type: "text", nullable: false),
                    invoiced_through = table.Column<Instant>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_invoiced_periods", x => new { x.org_id, x.customer_key });
                });

            migrationBuilder.CreateTable(
                name: "outbox",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    batch_id = table.Column<Guid>(type: "uuid", nullable: false),
                    partition = table.Column<int>(type: "integer", nullable: false),
                    trace_links = table.Column<string>(type: "text", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_outbox", x => new { x.org_id, x.batch_id });
                });

            migrationBuilder.CreateTable(
                name: "relay_leases",
                columns: table => new
                {
                    partition = table.Column<int>(type: "integer", nullable: false),
                    owner = table.Column<Guid>(type: "uuid", nullable: false),
                    held_until = table.Column<Instant>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_relay_leases", x => x.partition);
                });

            migrationBuilder.CreateTable(
                name: "usage_batch_buckets",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    bucket_start = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    batch_id = table.Column<Guid>(type: "uuid", nullable: false),
                    partition = table.Column<int>(type: "integer", nullable: false),
                    event_count = table.Column<int>(type: "integer", nullable: false),
                    digest = table.Column<decimal>(type: "numeric(20,0)", nullable: false),
                    previous_bucket = table.Column<Instant>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_usage_batch_buckets", x => new { x.org_id, x.bucket_start, x.batch_id });
                });

            migrationBuilder.CreateTable(
                name: "usage_batches",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    batch_id = table.Column<Guid>(type: "uuid", nullable: false),
                    partition = table.Column<int>(type: "integer", nullable: false),
                    event_count = table.Column<int>(type: "integer", nullable: false),
                    received_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    payload = table.Column<byte[]>(type: "bytea", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_usage_batches", x => new { x.org_id, x.batch_id });
                });

            migrationBuilder.CreateIndex(
                name: "ix_dead_letters_org_id_retry_at",
                table: "dead_letters",
                columns: new[] { "org_id", "retry_at" },
                filter: "retry_at IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_event_corrections_org_id_corrected_batch_id",
                table: "event_corrections",
                columns: new[] { "org_id", "corrected_batch_id" });

            migrationBuilder.CreateIndex(
                name: "ix_invoiced_periods_org_id_invoiced_through",
                table: "invoiced_periods",
                columns: new[] { "org_id", "invoiced_through" });

            migrationBuilder.CreateIndex(
                name: "ix_outbox_partition_batch_id",
                table: "outbox",
                columns: new[] { "partition", "batch_id" });

            migrationBuilder.CreateIndex(
                name: "ix_usage_batches_received_at_batch_id",
                table: "usage_batches",
                columns: new[] { "received_at", "batch_id" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "dead_letters");

            migrationBuilder.DropTable(
                name: "event_corrections");

            migrationBuilder.DropTable(
                name: "event_keys");

            migrationBuilder.DropTable(
                name: "invoiced_periods");

            migrationBuilder.DropTable(
                name: "outbox");

            migrationBuilder.DropTable(
                name: "relay_leases");

            migrationBuilder.DropTable(
                name: "usage_batch_buckets");

            migrationBuilder.DropTable(
                name: "usage_batches");
        }
    }
}

using System;
using Microsoft.EntityFrameworkCore.Migrations;
using NodaTime;

#nullable disable

namespace Polaris.Billing.Persistence.Migrations
{
    /// <inheritdoc />
    public partial class Audit : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropPrimaryKey(
                name: "pk_dead_letters",
                table: "dead_letters");

            migrationBuilder.AddColumn<Guid>(
                name: "folded_before",
                table: "heal_position",
                type: "uuid",
                nullable: false,
                defaultValue: new Guid("00000000-0000-0000-0000-000000000000"));

            migrationBuilder.AddColumn<Guid>(
                name: "org_id",
                table: "dead_letters",
                type: "uuid",
                nullable: false,
                defaultValue: new Guid("00000000-0000-0000-0000-000000000000"));

            migrationBuilder.AddColumn<Guid>(
                name: "id",
                table: "dead_letters",
                type: "uuid",
                nullable: false,
                defaultValue: new Guid("00000000-0000-0000-0000-000000000000"));

            migrationBuilder.AddColumn<int>(
                name: "attempts",
                table: "dead_letters",
                type: "integer",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<Instant>(
                name: "resolved_at",
                table: "dead_letters",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<Instant>(
                name: "moved_at",
                table: "consumer_positions",
                type: "timestamp with time zone",
                nullable: false,
                defaultValue: NodaTime.Instant.FromUnixTimeTicks(0L));

            // What was set aside before has no id yet; whose it is nobody looked at.
            migrationBuilder.Sql("UPDATE dead_letters SET id = gen_random_uuid()");

            migrationBuilder.AddPrimaryKey(
                name: "pk_dead_letters",
                table: "dead_letters",
                columns: new[] { "org_id", "id" });

            migrationBuilder.CreateTable(
                name: "audit_findings",
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
                    healed_at = table.Column<Instant>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_audit_findings", x => new { x.org_id, x.id });
                });

            migrationBuilder.CreateTable(
                name: "audit_position",
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
                    table.PrimaryKey("pk_audit_position", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "audits",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    last_checked_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    last_pass_at = table.Column<Instant>(type: "timestamp with time zone", nullable: true),
                    running_buckets = table.Column<long>(type: "bigint", nullable: false),
                    pass_buckets = table.Column<long>(type: "bigint", nullable: false),
                    drift_found = table.Column<long>(type: "bigint", nullable: false),
                    drift_healed = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_audits", x => x.org_id);
                });

            migrationBuilder.CreateTable(
                name: "fresh_buckets",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    bucket_start = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    touched_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    audited_at = table.Column<Instant>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_fresh_buckets", x => new { x.org_id, x.bucket_start });
                });

            migrationBuilder.CreateIndex(
                name: "ix_dead_letters_waiting",
                table: "dead_letters",
                columns: new[] { "org_id", "seen_at" },
                filter: "resolved_at IS NULL");

            migrationBuilder.CreateIndex(
                name: "ix_audit_findings_open",
                table: "audit_findings",
                column: "org_id",
                filter: "healed_at IS NULL");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "audit_findings");

            migrationBuilder.DropTable(
                name: "audit_position");

            migrationBuilder.DropTable(
                name: "audits");

            migrationBuilder.DropTable(
                name: "fresh_buckets");

            migrationBuilder.DropPrimaryKey(
                name: "pk_dead_letters",
                table: "dead_letters");

            migrationBuilder.DropIndex(
                name: "ix_dead_letters_waiting",
                table: "dead_letters");

            migrationBuilder.DropColumn(
                name: "folded_before",
                table: "heal_position");

            migrationBuilder.DropColumn(
                name: "org_id",
                table: "dead_letters");

            migrationBuilder.DropColumn(
                name: "id",
                table: "dead_letters");

            migrationBuilder.DropColumn(
                name: "attempts",
                table: "dead_letters");

            migrationBuilder.DropColumn(
                name: "resolved_at",
                table: "dead_letters");

            migrationBuilder.DropColumn(
                name: "moved_at",
                table: "consumer_positions");

            migrationBuilder.AddPrimaryKey(
                name: "pk_dead_letters",
                table: "dead_letters",
                columns: new[] { "cluster_id", "topic", "partition", "record_offset" });
        }
    }
}

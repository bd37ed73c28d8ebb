using System;
using Microsoft.EntityFrameworkCore.Migrations;
using NodaTime;

#nullable disable

namespace Polaris.Plans.Persistence.Migrations
{
    /// <inheritdoc />
    public partial class ArchivingAudit : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<Instant>(
                name: "archived_at",
                table: "plans",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<Instant>(
                name: "archived_at",
                table: "meters",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.CreateTable(
                name: "audit_log",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    at = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    action = table.Column<string>(type: "text", nullable: false),
                    actor_kind = table.Column<string>(type: "text", nullable: false),
                    actor_id = table.Column<string>(type: "text", nullable: true),
                    subject = table.Column<string>(type: "text", nullable: true),
                    detail = table.Column<string>(type: "jsonb", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_audit_log", x => new { x.org_id, x.id });
                });

            migrationBuilder.CreateIndex(
                name: "ix_audit_log_org_id_subject_id",
                table: "audit_log",
                columns: new[] { "org_id", "subject", "id" });

            migrationBuilder.Sql("CREATE POLICY never_changed ON audit_log AS RESTRICTIVE FOR UPDATE USING (false)");
            migrationBuilder.Sql("CREATE POLICY never_deleted ON audit_log AS RESTRICTIVE FOR DELETE USING (false)");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "audit_log");

            migrationBuilder.DropColumn(
                name: "archived_at",
                table: "plans");

            migrationBuilder.DropColumn(
                name: "archived_at",
                table: "meters");
        }
    }
}

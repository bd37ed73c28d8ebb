using System;
using Microsoft.EntityFrameworkCore.Migrations;
using NodaTime;

#nullable disable

namespace Polaris.Plans.Persistence.Migrations
{
    /// <inheritdoc />
    public partial class Initial : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "meters",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    key = table.Column<string>(type: "text", nullable: false),
                    name = table.Column<string>(type: "text", nullable: false),
                    event_type = table.Column<string>(type: "text", nullable: false),
                    aggregation = table.Column<string>(type: "text", nullable: false),
                    property = table.Column<string>(type: "text", nullable: true),
                    filters = table.Column<string>(type: "jsonb", nullable: false),
                    dimensions = table.Column<string>(type: "jsonb", nullable: false, defaultValueSql: "'[]'"),
                    event_fee = table.Column<string>(type: "jsonb", nullable: true),
                    created_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_meters", x => new { x.org_id, x.id });
                }
            );

            migrationBuilder.CreateTable(
                name: "plans",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    key = table.Column<string>(type: "text", nullable: false),
                    name = table.Column<string>(type: "text", nullable: false),
                    currency = table.Column<string>(type: "text", nullable: false),
                    interval = table.Column<string>(type: "text", nullable: false),
                    created_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_plans", x => new { x.org_id, x.id });
                }
            );

            migrationBuilder.CreateTable(
                name: "plan_versions",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    plan_id = table.Column<Guid>(type: "uuid", nullable: false),
                    number = table.Column<int>(type: "integer", nullable: false),
                    status = table.Column<string>(type: "text", nullable: false),
                    charges = table.Column<string>(type: "jsonb", nullable: false),
                    terms = table.Column<string>(type: "jsonb", nullable: false, defaultValueSql: "'{}'"),
                    hash = table.Column<string>(type: "text", nullable: false),
                    created_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    published_at = table.Column<Instant>(type: "timestamp with time zone", nullable: true),
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_plan_versions", x => new { x.org_id, x.id });
                    table.ForeignKey(
                        name: "fk_plan_versions_plans_org_id_plan_id",
                        columns: x => new { x.org_id, x.plan_id },
                        principalTable: "plans",
                        principalColumns: new[] { "org_id", "id" },
                        onDelete: ReferentialAction.Cascade
                    );
                }
            );

            migrationBuilder.CreateIndex(name: "ix_meters_org_id_key", table: "meters", columns: new[] { "org_id", "key" }, unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_plan_versions_org_id_plan_id_number",
                table: "plan_versions",
                columns: new[] { "org_id", "plan_id", "number" },
                unique: true
            );

            migrationBuilder.CreateIndex(name: "ix_plans_org_id_key", table: "plans", columns: new[] { "org_id", "key" }, unique: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(name: "meters");

            migrationBuilder.DropTable(name: "plan_versions");

            migrationBuilder.DropTable(name: "plans");
        }
    }
}

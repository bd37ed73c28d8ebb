using System;
using Microsoft.EntityFrameworkCore.Migrations;
using NodaTime;

#nullable disable

namespace Polaris.Billing.Persistence.Migrations
{
    /// <inheritdoc />
    public partial class LevelCheckpoints : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
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
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "level_checkpoints");
        }
    }
}

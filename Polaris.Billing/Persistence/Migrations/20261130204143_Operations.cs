using System;
using Microsoft.EntityFrameworkCore.Migrations;
using NodaTime;

#nullable disable

namespace Polaris.Billing.Persistence.Migrations
{
    /// <inheritdoc />
    public partial class Operations : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "org_throughput",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    slot = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    events = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_org_throughput", x => new { x.org_id, x.slot });
                });

            migrationBuilder.CreateTable(
                name: "throughput",
                columns: table => new
                {
                    slot = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    events = table.Column<long>(type: "bigint", nullable: false),
                    slowest_ms = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_throughput", x => x.slot);
                });

            migrationBuilder.CreateIndex(
                name: "ix_subscriptions_held",
                table: "subscriptions",
                columns: new[] { "org_id", "held_until" },
                filter: "held_code IS NOT NULL");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "org_throughput");

            migrationBuilder.DropTable(
                name: "throughput");

            migrationBuilder.DropIndex(
                name: "ix_subscriptions_held",
                table: "subscriptions");
        }
    }
}

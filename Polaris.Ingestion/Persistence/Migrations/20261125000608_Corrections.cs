using System;
using Microsoft.EntityFrameworkCore.Migrations;
using NodaTime;

#nullable disable

namespace Polaris.Ingestion.Persistence.Migrations
{
    /// <inheritdoc />
    public partial class Corrections : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
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

            migrationBuilder.CreateIndex(
                name: "ix_event_corrections_org_id_corrected_batch_id",
                table: "event_corrections",
                columns: new[] { "org_id", "corrected_batch_id" });

            migrationBuilder.CreateIndex(
                name: "ix_invoiced_periods_org_id_invoiced_through",
                table: "invoiced_periods",
                columns: new[] { "org_id", "invoiced_through" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "event_corrections");

            migrationBuilder.DropTable(
                name: "invoiced_periods");
        }
    }
}

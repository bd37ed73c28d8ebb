using System.Numerics;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Polaris.Billing.Persistence.Migrations
{
    /// <inheritdoc />
    public partial class Aggregations : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropPrimaryKey(
                name: "pk_usage_uniques",
                table: "usage_uniques");

            migrationBuilder.DropPrimaryKey(
                name: "pk_usage_aggregates",
                table: "usage_aggregates");

            migrationBuilder.AddColumn<string>(
                name: "dimensions",
                table: "usage_uniques",
                type: "text",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<string>(
                name: "dimensions",
                table: "usage_aggregates",
                type: "text",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<long>(
                name: "latest_at",
                table: "usage_aggregates",
                type: "bigint",
                nullable: true);

            migrationBuilder.AddColumn<decimal>(
                name: "latest_hash",
                table: "usage_aggregates",
                type: "numeric(20,0)",
                nullable: true);

            migrationBuilder.AddColumn<decimal>(
                name: "latest_value",
                table: "usage_aggregates",
                type: "numeric",
                nullable: true);

            migrationBuilder.AddColumn<decimal>(
                name: "low",
                table: "usage_aggregates",
                type: "numeric",
                nullable: true);

            migrationBuilder.AddColumn<BigInteger>(
                name: "moment",
                table: "usage_aggregates",
                type: "numeric",
                nullable: true);

            migrationBuilder.AddPrimaryKey(
                name: "pk_usage_uniques",
                table: "usage_uniques",
                columns: new[] { "org_id", "customer_key", "meter_id", "bucket_start", "dimensions", "value_hash" });

            migrationBuilder.AddPrimaryKey(
                name: "pk_usage_aggregates",
                table: "usage_aggregates",
                columns: new[] { "org_id", "customer_key", "meter_id", "bucket_start", "dimensions" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropPrimaryKey(
                name: "pk_usage_uniques",
                table: "usage_uniques");

            migrationBuilder.DropPrimaryKey(
                name: "pk_usage_aggregates",
                table: "usage_aggregates");

            migrationBuilder.DropColumn(
                name: "dimensions",
                table: "usage_uniques");

            migrationBuilder.DropColumn(
                name: "dimensions",
                table: "usage_aggregates");

            migrationBuilder.DropColumn(
                name: "latest_at",
                table: "usage_aggregates");

            migrationBuilder.DropColumn(
                name: "latest_hash",
                table: "usage_aggregates");

            migrationBuilder.DropColumn(
                name: "latest_value",
                table: "usage_aggregates");

            migrationBuilder.DropColumn(
                name: "low",
                table: "usage_aggregates");

            migrationBuilder.DropColumn(
                name: "moment",
                table: "usage_aggregates");

            migrationBuilder.AddPrimaryKey(
                name: "pk_usage_uniques",
                table: "usage_uniques",
                columns: new[] { "org_id", "customer_key", "meter_id", "bucket_start", "value_hash" });

            migrationBuilder.AddPrimaryKey(
                name: "pk_usage_aggregates",
                table: "usage_aggregates",
                columns: new[] { "org_id", "customer_key", "meter_id", "bucket_start" });
        }
    }
}

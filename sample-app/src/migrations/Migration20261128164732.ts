import { Migration } from '@mikro-orm/migrations';
import { complianceTablesSql } from 'nestjs-mikro-orm-soft-delete/compliance';

export class Migration20261128164732 extends Migration {
  override name = 'Migration20261128164732';

  override up(): void | Promise<void> {
    this.addSql(
      `create table "deletion_archive" ("part" text not null, "key" text not null, "unit" timestamptz not null, "entity" text not null, "schema" text not null default '', "owners" text[] null, "data" jsonb not null, "types" text not null, "links" jsonb null, "actor" text null, "reason" text null, primary key ("part", "key", "unit"));`,
    );
    this.addSql(
      `comment on table "deletion_archive" is 'Rows that were deleted from tables with the archive strategy.';`,
    );
    this.addSql(`create index "deletion_archive_entity_unit_index" on "deletion_archive" ("entity", "unit");`);

    this.addSql(
      `create table "deletion_record" ("at" timestamptz not null default clock_timestamp(), "id" bigserial not null, "action" text not null, "entity" text not null, "unit" timestamptz null, "count" bigint not null, "keys" jsonb null, "units" jsonb null, "actor" text null, "reason" text null, primary key ("at", "id"));`,
    );
    this.addSql(`create index "deletion_record_entity_unit_index" on "deletion_record" ("entity", "unit");`);

    this.addSql(
      `create table "erasure" ("id" serial primary key, "entity" text not null, "key" jsonb not null, "requested_at" timestamptz not null, "due_at" timestamptz not null, "not_before" timestamptz null, "actor" text null, "reason" text null, "extended_at" timestamptz null, "extension_reason" text null, "withdrawn_at" timestamptz null, "outcome" text null, "finished_at" timestamptz null, "checked_at" timestamptz null, "certificate" jsonb null, "cells" jsonb null, "fingerprint" jsonb null, "ledger" text null);`,
    );
    this.addSql(`create index "erasure_entity_key_index" on "erasure" ("entity", "key");`);

    this.addSql(
      `create table "legal_hold" ("id" serial primary key, "name" text not null, "reason" text not null, "placed_at" timestamptz not null default clock_timestamp(), "placed_by" text null, "review_at" timestamptz null, "released_at" timestamptz null, "released_by" text null, "release_reason" text null);`,
    );

    this.addSql(
      `create table "legal_hold_row" ("hold" int not null, "entity" text not null, "key" jsonb not null, primary key ("hold", "entity", "key"));`,
    );

    this.addSql(
      `create table "page_views" ("id" serial primary key, "product_id" int not null, "customer_id" int null, "ad" text null, "viewed_at" timestamptz not null default now());`,
    );
    this.addSql(
      `comment on table "page_views" is 'Written at every look at a product and swept out by the hundred thousand; may be asked for in disputes about ads.';`,
    );
    this.addSql(`create index "page_views_product_id_index" on "page_views" ("product_id");`);
    this.addSql(`create index "page_views_customer_id_index" on "page_views" ("customer_id");`);
    this.addSql(`create index "page_views_viewed_at_index" on "page_views" ("viewed_at");`);

    this.addSql(`alter table "orders" add "ship_to" text null;`);

    this.addSql(
      `create or replace function "deletion_record_deletion_record_append_only_fn"() returns trigger as $$ begin if tg_op = 'DELETE' then if old."at" < nullif(current_setting('soft_delete.records_before', true), '')::timestamptz then return old; end if; end if; if tg_op = 'UPDATE' then if current_setting('soft_delete.pseudonymise', true) = 'allowed' and to_jsonb(old) - 'actor' - 'reason' = to_jsonb(new) - 'actor' - 'reason' and (new.actor is not distinct from old.actor or new.actor like 'erased-%') and (new.reason is not distinct from old.reason or new.reason like '%[erased]%') then return new; end if; end if; raise exception using errcode = 'restrict_violation', message = format('Refused to %s a row of %I.%I: the table is append-only.', lower(tg_op), tg_table_schema, tg_table_name); end; $$ language plpgsql;`,
    );
    this.addSql(
      `create trigger "deletion_record_append_only" BEFORE UPDATE OR DELETE on "deletion_record" for each ROW execute function "deletion_record_deletion_record_append_only_fn"();`,
    );

    this.addSql(
      `create or replace function "erasure_erasure_keep_request_fn"() returns trigger as $$ begin if tg_op = 'UPDATE' then if old."id" = new."id" and old."entity" = new."entity" and old."key" = new."key" and old."requested_at" = new."requested_at" then return new; end if; end if; raise exception using errcode = 'restrict_violation', message = format('Refused to %s a row of %I.%I: whose data is erased and since when is written once.', lower(tg_op), tg_table_schema, tg_table_name); end; $$ language plpgsql;`,
    );
    this.addSql(
      `create trigger "erasure_keep_request" BEFORE UPDATE OR DELETE on "erasure" for each ROW execute function "erasure_erasure_keep_request_fn"();`,
    );

    this.addSql(
      `create or replace function "legal_hold_legal_hold_release_only_fn"() returns trigger as $$ begin if tg_op = 'UPDATE' then if old.released_at is null and new.released_at is not null and to_jsonb(old) - 'released_at' - 'released_by' - 'release_reason' = to_jsonb(new) - 'released_at' - 'released_by' - 'release_reason' then return new; end if; end if; if tg_op = 'UPDATE' then if current_setting('soft_delete.pseudonymise', true) = 'allowed' and old.released_at is not null and to_jsonb(old) - 'name' - 'reason' - 'placed_by' - 'released_by' - 'release_reason' = to_jsonb(new) - 'name' - 'reason' - 'placed_by' - 'released_by' - 'release_reason' then return new; end if; end if; raise exception using errcode = 'restrict_violation', message = format('Refused to %s a row of %I.%I: of a hold only its release may be written.', lower(tg_op), tg_table_schema, tg_table_name); end; $$ language plpgsql;`,
    );
    this.addSql(
      `create trigger "legal_hold_release_only" BEFORE UPDATE OR DELETE on "legal_hold" for each ROW execute function "legal_hold_legal_hold_release_only_fn"();`,
    );

    this.addSql(
      `create or replace function "legal_hold_row_legal_hold_row_append_only_fn"() returns trigger as $$ begin raise exception using errcode = 'restrict_violation', message = format('Refused to %s a row of %I.%I: the table is append-only.', lower(tg_op), tg_table_schema, tg_table_name); end; $$ language plpgsql;`,
    );
    this.addSql(
      `create trigger "legal_hold_row_append_only" BEFORE UPDATE OR DELETE on "legal_hold_row" for each ROW execute function "legal_hold_row_legal_hold_row_append_only_fn"();`,
    );

    this.addSql(
      `alter table "page_views" add constraint "page_views_product_id_foreign" foreign key ("product_id") references "products" ("id");`,
    );
    this.addSql(
      `alter table "page_views" add constraint "page_views_customer_id_foreign" foreign key ("customer_id") references "customers" ("id") on delete set null;`,
    );

    // What the ORM's schema cannot say: TRUNCATE of these tables is refused.
    complianceTablesSql().forEach((sql) => this.addSql(sql));
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "deletion_archive" cascade;`);
    this.addSql(`drop trigger if exists "deletion_record_append_only" on "deletion_record";`);
    this.addSql(`drop function if exists "deletion_record_deletion_record_append_only_fn"();`);
    this.addSql(`drop table if exists "deletion_record" cascade;`);
    this.addSql(`drop trigger if exists "erasure_keep_request" on "erasure";`);
    this.addSql(`drop function if exists "erasure_erasure_keep_request_fn"();`);
    this.addSql(`drop table if exists "erasure" cascade;`);
    this.addSql(`drop trigger if exists "legal_hold_release_only" on "legal_hold";`);
    this.addSql(`drop function if exists "legal_hold_legal_hold_release_only_fn"();`);
    this.addSql(`drop table if exists "legal_hold" cascade;`);
    this.addSql(`drop trigger if exists "legal_hold_row_append_only" on "legal_hold_row";`);
    this.addSql(`drop function if exists "legal_hold_row_legal_hold_row_append_only_fn"();`);
    this.addSql(`drop table if exists "legal_hold_row" cascade;`);
    this.addSql(`drop table if exists "page_views" cascade;`);

    this.addSql(`alter table "orders" drop column "ship_to";`);
  }
}

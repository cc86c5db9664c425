import { Migration } from '@mikro-orm/migrations';
import { complianceTablesSql } from 'nestjs-mikro-orm-soft-delete/compliance';

export class Migration20261128185657 extends Migration {
  override name = 'Migration20261128185657';

  override up(): void | Promise<void> {
    this.addSql(
      `create or replace function "deletion_archive_deletion_archive_keep_rows_fn"() returns trigger as $$ begin raise exception using errcode = 'restrict_violation', message = format('Refused to %s a row of %I.%I: the table is append-only. Rows leave it with restore(), hardDelete(), erasures and the purge. To remove some in SQL, run in the same transaction: %s', lower(tg_op), tg_table_schema, tg_table_name, $allow$select set_config('soft_delete.archive_removal', 'allowed', true)$allow$); end; $$ language plpgsql;`,
    );
    this.addSql(`create trigger "deletion_archive_keep_rows" BEFORE DELETE on "deletion_archive" for each ROW
  when ((current_setting('soft_delete.archive_removal'::text, true) IS DISTINCT FROM 'allowed'::text)) execute function "deletion_archive_deletion_archive_keep_rows_fn"();`);
    this.addSql(
      `create or replace function "deletion_archive_deletion_archive_keep_values_fn"() returns trigger as $$ begin if current_setting('soft_delete.pseudonymise', true) = 'allowed' and new."part" is not distinct from old."part" and new."key" is not distinct from old."key" and new."unit" is not distinct from old."unit" and new."entity" is not distinct from old."entity" and new."schema" is not distinct from old."schema" and new."owners" is not distinct from old."owners" and new."types" is not distinct from old."types" and new."links" is not distinct from old."links" and (new."actor" is not distinct from old."actor" or new."actor" like 'erased-%') and (new."reason" is not distinct from old."reason" or new."reason" like '%[erased]%') then return new; end if; raise exception using errcode = 'restrict_violation', message = format('Refused to %s a row of %I.%I: the table is append-only.', lower(tg_op), tg_table_schema, tg_table_name); end; $$ language plpgsql;`,
    );
    this.addSql(
      `create trigger "deletion_archive_keep_values" BEFORE UPDATE on "deletion_archive" for each ROW execute function "deletion_archive_deletion_archive_keep_values_fn"();`,
    );
    complianceTablesSql().forEach((sql) => this.addSql(sql));
  }

  override down(): void | Promise<void> {
    this.addSql(`drop trigger if exists "deletion_archive_keep_rows" on "deletion_archive";`);
    this.addSql(`drop function if exists "deletion_archive_deletion_archive_keep_rows_fn"();`);
    this.addSql(`drop trigger if exists "deletion_archive_keep_values" on "deletion_archive";`);
    this.addSql(`drop function if exists "deletion_archive_deletion_archive_keep_values_fn"();`);
  }
}

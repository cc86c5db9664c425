import {
  Body,
  Delete,
  type ExecutionContext,
  Get,
  Header,
  HttpCode,
  Inject,
  Param,
  Post,
  Query,
  UseGuards,
} from '@nestjs/common';
import { AdminAccess } from '../admin-access.js';
import { AdminCompliance } from '../admin-compliance.js';
import { AdminContext } from './admin-context.decorator.js';
import { plainValue } from '../../metadata/plain-value.js';
import { parseKey } from './parse-key.js';
import { AdminReader } from '../admin-reader.js';
import { AdminRequestGuard } from './admin-request.guard.js';
import { AdminWriter } from '../admin-writer.js';
import { DescribeQuery } from './describe-query.js';
import { readListQuery } from './list-query.js';
import { readHoldBody, readPurgeBody, readReleaseBody, readRowsBody, requireConfirmation } from './read-body.js';
import { readRecordQuery } from './record-query.js';

const NO_STORE = ['cache-control', 'no-store'] as const;

/**
 * The admin page's API. Each `forRoot()` extends it by a controller with the path and the guards of its own.
 *
 * Parameters are taken as they come and checked here, so that the pipes of the application find nothing to change.
 *
 * @internal
 */
export abstract class AdminApiController {
  constructor(
    @Inject(AdminAccess) private readonly access: AdminAccess,
    @Inject(AdminReader) private readonly reader: AdminReader,
    @Inject(AdminWriter) private readonly writer: AdminWriter,
    @Inject(AdminCompliance) private readonly compliance: AdminCompliance,
  ) {}

  @Get('entities')
  @Header(...NO_STORE)
  async entities(@AdminContext() context: ExecutionContext): Promise<object> {
    return this.reader.entities(context);
  }

  @DescribeQuery({
    q: 'Text that a searched property has, whatever its case.',
    from: 'Deleted at this time or later, in ISO 8601.',
    to: 'Deleted before this time, in ISO 8601.',
    actor: 'Who deleted it, where that is recorded.',
    sort: '-deletedAt (default), deletedAt, or a listed column, with or without "-".',
    after: 'The `next` of the page before.',
    limit: 'How many rows, 50 by default and at most 200.',
  })
  @Get('entities/:entity/rows')
  @Header(...NO_STORE)
  async rows(
    @Param('entity') name: string,
    @Query() query: Record<string, unknown>,
    @AdminContext() context: ExecutionContext,
  ): Promise<object> {
    const entity = await this.access.entity(name, 'list', context);
    return this.reader.rows(entity, readListQuery(entity, query, this.reader.knowsActors(entity)));
  }

  @Get('entities/:entity/rows/:key')
  @Header(...NO_STORE)
  async row(
    @Param('entity') name: string,
    @Param('key') key: string,
    @AdminContext() context: ExecutionContext,
  ): Promise<object> {
    const entity = await this.access.entity(name, 'view', context);
    return this.reader.row(entity, parseKey(entity.meta, key));
  }

  @Post('entities/:entity/restore')
  @UseGuards(AdminRequestGuard)
  @HttpCode(200)
  @Header(...NO_STORE)
  async restore(
    @Param('entity') name: string,
    @Body() body: unknown,
    @AdminContext() context: ExecutionContext,
  ): Promise<object> {
    const entity = await this.access.entity(name, 'restore', context);
    const { keys, dryRun, withParents, why } = readRowsBody(entity, body, ['dryRun', 'withParents']);
    return dryRun
      ? this.writer.previewRestore(entity, keys, { withParents }, context)
      : this.writer.restore(entity, keys, { withParents, ...why }, context);
  }

  /** What *Undo* does. */
  @Post('entities/:entity/delete')
  @UseGuards(AdminRequestGuard)
  @HttpCode(200)
  @Header(...NO_STORE)
  async delete(
    @Param('entity') name: string,
    @Body() body: unknown,
    @AdminContext() context: ExecutionContext,
  ): Promise<object> {
    const entity = await this.access.entity(name, 'restore', context);
    const { keys, why } = readRowsBody(entity, body, []);
    return this.writer.delete(entity, keys, why, context);
  }

  @Post('entities/:entity/remove')
  @UseGuards(AdminRequestGuard)
  @HttpCode(200)
  @Header(...NO_STORE)
  async remove(
    @Param('entity') name: string,
    @Body() body: unknown,
    @AdminContext() context: ExecutionContext,
  ): Promise<object> {
    const entity = await this.access.entity(name, 'remove', context);
    const request = readRowsBody(entity, body, ['dryRun', 'confirm']);
    return request.dryRun
      ? this.writer.previewRemoval(entity, request.keys)
      : this.writer.remove(entity, request.keys, { confirm: requireConfirmation(request), ...request.why }, context);
  }

  @Post('entities/:entity/hold')
  @UseGuards(AdminRequestGuard)
  @HttpCode(200)
  @Header(...NO_STORE)
  async hold(
    @Param('entity') name: string,
    @Body() body: unknown,
    @AdminContext() context: ExecutionContext,
  ): Promise<object> {
    const entity = await this.access.entity(name, 'hold', context);
    return this.compliance.hold(entity, readHoldBody(entity, body), context);
  }

  @Delete('holds/:id')
  @UseGuards(AdminRequestGuard)
  @Header(...NO_STORE)
  async release(
    @Param('id') id: string,
    @Body() body: unknown,
    @AdminContext() context: ExecutionContext,
  ): Promise<object> {
    return this.compliance.release(id, readReleaseBody(body), context);
  }

  @DescribeQuery({
    entity: 'The entity whose rows they are about; all that the caller may see unless given.',
    key: 'With the entity, the history of one row, also after it is gone.',
    action: 'What was done: deleted, restored, hard-deleted, purged, archived, erased, held or released.',
    actor: 'Who did it.',
    from: 'Done at this time or later, in ISO 8601.',
    to: 'Done before this time, in ISO 8601.',
    limit: 'How many records, 50 by default and at most 200.',
  })
  @Get('records')
  @Header(...NO_STORE)
  async records(@Query() query: Record<string, unknown>, @AdminContext() context: ExecutionContext): Promise<object> {
    // Like the purge, they are about rows of everybody, those that the caller's filters hide and those that are gone.
    await this.access.requirePurge(context);
    const find = (name: string) => this.access.entity(name, 'list', context);
    return this.compliance.records(await readRecordQuery(query, find), context);
  }

  @Post('purge')
  @UseGuards(AdminRequestGuard)
  @HttpCode(200)
  @Header(...NO_STORE)
  async purge(@Body() body: unknown, @AdminContext() context: ExecutionContext): Promise<unknown> {
    await this.access.requirePurge(context);
    const request = readPurgeBody(body);
    return plainValue(
      request.dryRun
        ? await this.writer.previewPurge()
        : await this.writer.purge(requireConfirmation(request), context),
    );
  }
}

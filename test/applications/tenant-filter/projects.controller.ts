import { EntityManager } from '@mikro-orm/postgresql';
import {
  Body,
  Controller,
  Delete,
  Get,
  Headers,
  HttpCode,
  Inject,
  NotFoundException,
  Param,
  ParseIntPipe,
  Post,
  Query,
} from '@nestjs/common';
import {
  DeletedScope,
  InjectSoftDeleteRepository,
  PurgeService,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { Project, Task } from './entities.js';

@Controller()
export class ProjectsController {
  constructor(
    @Inject(EntityManager) private readonly em: EntityManager,
    @InjectSoftDeleteRepository(Project) private readonly projects: SoftDeleteRepository<Project>,
    @InjectSoftDeleteRepository(Task) private readonly tasks: SoftDeleteRepository<Task>,
    @Inject(PurgeService) private readonly purge: PurgeService,
  ) {}

  @Get('projects')
  async list(@DeletedScope('deleted') scope: DeletedScope) {
    const projects = await this.projects.scope(scope).findAll({ populate: ['tasks'], orderBy: { id: 1 } });
    return projects.map(({ id, tasks }) => ({ id, tasks: tasks.map((task) => task.id) }));
  }

  @Post('projects')
  async create(@Headers('x-tenant') tenant: string, @Body() { name }: { name: string }) {
    const { entity, restored } = await this.projects.restoreOrCreate({ name }, { name, tenant });
    return { id: entity.id, restored };
  }

  /** Through the unit of work. */
  @Delete('projects/:id/entity')
  async remove(@Param('id', ParseIntPipe) id: number) {
    const project = await this.projects.findOne(id);
    if (!project) {
      throw new NotFoundException();
    }
    await this.em.remove(project).flush();
  }

  @Delete('projects/:id')
  softDelete(@Param('id', ParseIntPipe) id: number) {
    return this.projects.softDelete(id);
  }

  /** By a condition on a relation. */
  @Delete('projects')
  softDeleteBy(@Query('task') title: string) {
    return this.projects.softDelete({ tasks: { title } });
  }

  @Delete('tasks')
  async deleteTasks() {
    return { total: await this.tasks.nativeDelete({}) };
  }

  @Delete('projects/:id/for-good')
  async hardDelete(@Param('id', ParseIntPipe) id: number) {
    return { total: await this.projects.hardDelete(id) };
  }

  @Post('projects/:id/restore')
  @HttpCode(200)
  restore(@Param('id', ParseIntPipe) id: number) {
    return this.projects.restore(id);
  }

  @Post('restore')
  @HttpCode(200)
  restoreBy(@Query('name') name: string) {
    return this.projects.restore({ name });
  }

  @Post('purge')
  @HttpCode(200)
  removeForGood() {
    return this.purge.run();
  }
}

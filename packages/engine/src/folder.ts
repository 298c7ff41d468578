/** For the command line, which makes the data folder before there is an engine, and sees no adapter. */
export { makeFolder } from './adapters/_shared/make-folder.ts';

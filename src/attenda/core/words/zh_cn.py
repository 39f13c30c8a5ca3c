"""Chinese sentences (simplified)."""

__all__ = ["CHINESE"]

CHINESE: dict[str, str] = {
    # models
    "model.unknown": "No model is called “{name}”. Known models: {known}; add a GGUF file of your own with `attenda models add FILE`.",
    "model.not_pulled": "The model “{name}” is not on this machine yet; run `attenda models pull {name}` while there is a network.",
    "model.bad_name": "“{name}” can't name a model: use letters, digits, dots and dashes.",
    "model.not_gguf": "{path} is not a GGUF file; export the model as GGUF first.",
    "model.file_gone": "The weights of “{name}” are gone from {path}; run `attenda models rm {name}` and pull it again.",
    "model.damaged": "The weights of “{name}” ({path}) are damaged: their SHA-256 is {found}, expected {expected}. Remove the model and pull it again.",
    "model.pull_failed": "The weights of “{name}” could not be downloaded: {problem}. Check the network and pip's index settings, then run `attenda models pull` again.",
    "model.load_slow": "The model “{name}” was not ready after {seconds} seconds and was stopped.",
    "model.load_failed": "The model “{name}” could not be loaded: {problem}.",
    "model.died": "The process of the model “{name}” ended in the middle ({how}); it is started again with the next question.",
    "model.hung": "The model “{name}” said nothing for {seconds} seconds and was stopped; it is started again with the next question.",
    "model.closed": "The model “{name}” was shut down.",
    "model.request_failed": "The model “{name}” could not do this: {problem}.",
    "model.bad_grammar": "The grammar of the answer does not compile: {problem}.",
    "model.broke_grammar": "The model's answer broke the grammar it was given: {problem}.",
    "model.no_template": "The chat template of “{name}” is none of ours. Known templates: {known}.",
    "model.no_engine": "The engine library {module} is not in this environment; install {requirement}.",
    "model.too_long": "The conversation has {tokens} tokens, and the model reads at most {limit}. Start a new chat or shorten the question.",
    "model.script_ended": "The script of the model “{name}” has no more answers.",
    # files
    "file.missing": "There is no readable file at {path}.",
    "file.empty_folder": "The folder {path} has no files in it.",
    # the way in
    "ingest.empty": "“{name}” is empty; there is nothing to read. {detail}",
    "ingest.unknown_type": "“{name}” is of a kind that can't be read. Readable are pdf, docx, pptx, xlsx, csv, jsonl, json, md, html, txt, eml and mbox. {detail}",
    "ingest.encrypted": "“{name}” is protected by a password; save it without one and add it again. {detail}",
    "ingest.broken": "“{name}” is damaged or not what its name says. {detail}",
    "ingest.too_large": "“{name}” is too large to read. {detail}",
    "ingest.too_many_pages": "“{name}” has too many pages. {detail}",
    "ingest.no_text": "“{name}” holds no text. {detail}",
    "ingest.not_utf8": "The text of “{name}” is in an encoding that can't be told; save it as UTF-8. {detail}",
    "ingest.row_without_text": "A row of “{name}” has no text. {detail}",
    "ingest.too_slow": "“{name}” took longer than {seconds} seconds and was given up; split the file or raise document_deadline_s.",
    "ingest.reader_died": "Reading “{name}” broke its reader; the file is damaged or too costly.",
    "ingest.over_limit": "“{name}” is larger than {mb} MB, the most that is taken in; split it or raise max_upload_mb.",
    "document.missing": "There is no document “{id}” that you may see.",
    # the store
    "store.disk_full": "The disk is full, so nothing was saved; free some space and try again.",
    "store.read_only": "The database can't be written to; check the rights of its folder.",
    "store.unwritable": "{path} can't be written to ({problem}); choose another home with --home or ATTENDA_HOME.",
    "store.no_driver": "PostgreSQL needs its driver; install attenda[postgres].",
    "store.unreachable": "The database can't be reached: {problem}.",
    "store.newer": "The database was made by a newer version (revision {found}; this one knows {known}); upgrade the program.",
    # sessions and runs
    "session.missing": "There is no chat like that, or it isn't yours.",
    "session.busy": "This chat is still answering; stop it or wait for it to end.",
    "message.missing": "There is no such message in this chat.",
    "message.empty": "The message is empty; type a question.",
    "message.too_long": "The message is longer than {limit} characters; shorten it or add the text as a document.",
    "run.interrupted": "The program was stopped while answering; ask again.",
    "run.broken": "Something went wrong inside the program while answering; its log says more.",
    "answer.nothing": "There is nothing about this in your documents.",
    "answer.nearest": "Your documents don't answer this. The passages that come nearest are shown below.",
    # the owner of the home
    "owner.busy": "Another process is using {home} but does not answer; stop it or choose another home.",
    "owner.port": "Port {port} on {host} can't be used: {problem}. Choose another with --port.",
    "owner.open_to_all": "Serving on {host} opens the pages to the network. Name the address people will use in `hosts` (attenda.toml or ATTENDA_HOSTS) and put TLS in front; docs/running.md shows how.",
    # settings
    "config.wrong": "The setting “{name}” ({place}) is wrong: {problem}.",
    "config.unreadable": "{place} is not valid TOML: {problem}.",
    # the gate
    "gate.host": "This server does not answer to the name “{host}”.",
    "gate.origin": "The request came from another site and was refused.",
    "gate.unknown": "Nobody is signed in here; open the link that `attenda up` prints.",
    "gate.not_allowed": "Your role does not allow this.",
    # requests
    "request.invalid": "The request's “{place}” is wrong: {problem}.",
    "request.no_page": "There is no such page.",
    "request.refused": "The request was refused: {problem}.",
    "request.broken": "Something went wrong inside the program; its log says more.",
    "client.refused": "{message}",
}

"""The service and the explorer: questions to one fitted model over HTTP, as JSON and as pages.

`subject` is what is asked, `desk` the one thread in which it is asked, `questions` and `views` say
what can be asked, `endpoints` and `pages_of` how it is answered, `guard` who may ask, `app` puts
them together and `running` binds the socket. This is the only room that imports starlette and
uvicorn, which are optional (`running.require_libraries`), so nothing is imported here.
"""

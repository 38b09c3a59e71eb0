"""The bridge: carries what developers decide on the platform side over to the tenant side. Alone in seeing both."""
